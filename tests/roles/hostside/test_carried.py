"""Modules that come along are imported once asked for, and only by their own names."""

import base64
import hashlib
import importlib
import lzma
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import carried
import pytest

Offer = Callable[[str, str], None]


@pytest.fixture
def offer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Offer]:
    """Offer a module for the length of a test; the folder of a prepared host is the test's."""
    monkeypatch.setattr(sys, "meta_path", list(sys.meta_path))
    offered = []

    def offer(name: str, source: str) -> None:
        text = base64.b85encode(lzma.compress(source.encode())).decode()
        digest = hashlib.sha256(source.encode()).hexdigest()
        carried.offer({name: (digest, text)}, str(tmp_path))
        offered.append(name)

    yield offer
    for name in offered:
        sys.modules.pop(name, None)


def test_imported_by_its_name(offer: Offer) -> None:
    offer("carried_one", "VALUE = __name__\n")
    assert importlib.import_module("carried_one").VALUE == "carried_one"
    with pytest.raises(ModuleNotFoundError):
        importlib.import_module("carried_two")


def test_nothing_is_read_before(offer: Offer) -> None:
    offer("carried_broken", "(\n")
    with pytest.raises(SyntaxError):
        importlib.import_module("carried_broken")
    assert "carried_broken" not in sys.modules


def test_same_file_of_a_prepared_host(offer: Offer, tmp_path: Path) -> None:
    (tmp_path / "carried_same.py").write_text("VALUE = 1\n")
    offer("carried_same", "VALUE = 1\n")
    found = importlib.import_module("carried_same")
    assert found.__file__ == str(tmp_path / "carried_same.py")


def test_other_file_of_a_prepared_host(offer: Offer, tmp_path: Path) -> None:
    (tmp_path / "carried_other.py").write_text("VALUE = 2\n")
    offer("carried_other", "VALUE = 1\n")
    assert importlib.import_module("carried_other").VALUE == 1


def test_python_without_lzma_misses_this_alone(
    offer: Offer, monkeypatch: pytest.MonkeyPatch
) -> None:
    offer("carried_packed", "VALUE = 1\n")
    monkeypatch.setitem(sys.modules, "lzma", None)
    with pytest.raises(ImportError, match="lzma"):
        importlib.import_module("carried_packed")
