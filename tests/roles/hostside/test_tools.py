"""Tools are fetched once, by their hash, from where the host's packages come from."""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import places
import progress
import pytest
import tools

PIN = "uv==0.9.0 --hash=sha256:00\n"
PACKAGES: dict[str, Any] = {"index": None, "folder": None, "proxy": None}


@pytest.fixture
def say(tree: Path) -> progress.Progress:
    """Somewhere to tell how far it is."""
    return progress.Progress(str(tree))


@pytest.fixture
def python(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in of python3 that makes an environment whose pip leaves the words it was given."""
    made = tree / "python3"
    made.write_text(
        '#!/bin/sh\nmkdir -p "$3/bin"; cp "$0.pip" "$3/bin/pip"; chmod +x "$3/bin/pip"\n'
    )
    Path(f"{made}.pip").write_text('#!/bin/sh\necho "$@" >> "$0.words"\n')
    made.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(made))
    return made


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({}, []),
        ({"index": "https://mirror/simple"}, ["--index-url", "https://mirror/simple"]),
        ({"folder": "/srv/wheels"}, ["--no-index", "--find-links", "/srv/wheels"]),
        ({"proxy": "http://proxy:3128"}, []),
    ],
)
def test_origin(given: dict[str, str], words: list[str]) -> None:
    assert tools.origin(PACKAGES | given) == words


def test_proxy_is_told_to_nobody_else() -> None:
    assert "HTTPS_PROXY" not in tools.environment(PACKAGES) or "HTTPS_PROXY" in os.environ
    found = tools.environment(PACKAGES | {"proxy": "http://proxy:3128"})
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"):
        assert found[name] == "http://proxy:3128"
    assert found["UV_CACHE_DIR"] == places.package_cache()
    assert found["HOME"] == places.ROOT


def test_fetched_once_by_its_hash(python: Path, say: progress.Progress) -> None:
    folder = Path(tools.bring("uv", PIN, PACKAGES, say))
    assert tools.bring("uv", PIN, PACKAGES, say) == str(folder)
    assert folder.name == f"uv-{hashlib.sha256(PIN.encode()).hexdigest()[:12]}"
    assert (folder / "lock.txt").read_text() == PIN
    assert (folder / "bin" / "pip.words").read_text() == (
        "--quiet --disable-pip-version-check install --require-hashes --only-binary=:all: "
        f"--requirement {folder}/lock.txt\n"
    )


def test_what_pip_said_is_told(python: Path, say: progress.Progress) -> None:
    Path(f"{python}.pip").write_text("#!/bin/sh\necho 'no matching distribution'; exit 1\n")
    with pytest.raises(tools.ToolError) as refused:
        tools.bring("uv", PIN, PACKAGES, say)
    assert str(refused.value) == "uv could not be fetched:\nno matching distribution"
    python.write_text("#!/bin/sh\necho 'no ensurepip' >&2; exit 1\n")
    with pytest.raises(tools.ToolError) as refused:
        tools.bring("uv", PIN, PACKAGES, say)
    assert str(refused.value) == (
        "python3 cannot make virtual environments; is python3-venv installed?:\nno ensurepip"
    )


def test_module_comes_from_the_tool_s_folder(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path])
    site = tmp_path / "lib" / "python3.9" / "site-packages"
    site.mkdir(parents=True)
    (site / "pinned_tool.py").write_text("ANSWER = 42\n")
    assert tools.module("pinned_tool", str(tmp_path)).ANSWER == 42
