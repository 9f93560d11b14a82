"""What is on the disk: the unpacked driver, and the one that is installed."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .said import Said

_PACKAGE = Path(__file__).parent
_ABOUT = json.loads((_PACKAGE / "about.json").read_text())
VERSION: str = _ABOUT["version"]
CUDA: int = _ABOUT["cuda"]
DESCRIPTION = f"NVIDIA Accelerated Graphics Driver for Linux-{platform.machine()}"
MODULES = Path("/lib/modules", platform.release())
HEADERS = MODULES / "build"
# Version and files of what is installed, kept where the real one keeps them.
_BACKUP = Path("/var/lib/nvidia/log")


def unpacked() -> bool:
    """Say whether there is a driver to install."""
    return (_PACKAGE.parent / "libnvidia-ml.so").exists()


def payload(name: str) -> bytes:
    """Return a file of the unpacked driver."""
    return (_PACKAGE.parent / name).read_bytes()


def package() -> dict[str, bytes]:
    """Return the installer itself."""
    return {path.name: path.read_bytes() for path in _PACKAGE.iterdir() if path.is_file()}


def installed() -> str | None:
    """Return the version of what is installed, wholly or in part."""
    return _BACKUP.read_text().split("\n")[0] if _BACKUP.exists() else None


def begin() -> None:
    """Begin the list of what there is to take away."""
    _BACKUP.parent.mkdir(parents=True, exist_ok=True)
    _BACKUP.write_text(f"{VERSION}\n")


def put(path: Path, content: bytes | str, mode: int = 0o755) -> None:
    """Leave a file, or a link to ``content`` if that is text."""
    with _BACKUP.open("a") as listed:
        listed.write(f"{path}\n")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    if isinstance(content, str):
        path.symlink_to(content)
    else:
        path.write_bytes(content)
        path.chmod(mode)


def uninstall(said: Said) -> None:
    """Take away what is installed, if anything is."""
    version = installed()
    if version is None:
        return
    for path in reversed(_BACKUP.read_text().split("\n")[1:]):
        if path:
            Path(path).unlink(missing_ok=True)
    if shutil.which("dkms"):
        run("dkms", "remove", "-m", "nvidia", "-v", version, "--all")
    shutil.rmtree(f"/usr/src/nvidia-{version}", ignore_errors=True)
    _BACKUP.unlink()
    run("ldconfig")
    said.note(f"Uninstallation of existing driver: {DESCRIPTION} ({version}) is complete.")


def run(*words: str) -> int:
    """Return the exit code of a program that says nothing."""
    return subprocess.run(words, capture_output=True, check=False).returncode
