"""NVML's library is looked for where the loader looks; in doubt whoever loads it will see."""

from pathlib import Path

import nvml_library
import pytest


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host whose loader has a list of other libraries."""
    monkeypatch.delenv("LD_LIBRARY_PATH", raising=False)
    _write(tmp_path / "etc/ld.so.cache", b"glibc-ld.so.cache1.1\0libc.so.6\0")
    return tmp_path


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


def test_host_without_it(root: Path) -> None:
    _write(root / "usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05", b"")
    assert not nvml_library.there(str(root))


def test_loaders_list_has_it(root: Path) -> None:
    _write(root / "etc/ld.so.cache", b"glibc-ld.so.cache1.1\0libnvidia-ml.so.1\0/opt/x\0")
    assert nvml_library.there(str(root))


@pytest.mark.parametrize(
    "folder", ["lib", "lib64", "usr/lib", "usr/lib64", "usr/lib/aarch64-linux-gnu"]
)
def test_folder_has_it_that_the_loader_looks_into(root: Path, folder: str) -> None:
    path = root / folder / "libnvidia-ml.so.1"
    path.parent.mkdir(parents=True)
    path.symlink_to("libnvidia-ml.so.not-there")
    assert nvml_library.there(str(root))


def test_doubt(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patched:
        patched.setenv("LD_LIBRARY_PATH", "/opt/driver")
        assert nvml_library.there(str(root))
    (root / "etc/ld.so.cache").unlink()
    assert nvml_library.there(str(root))
