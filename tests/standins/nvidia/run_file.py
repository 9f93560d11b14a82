"""
NVIDIA's driver as one file, ``NVIDIA-Linux-<arch>-<version>.run``.

Its options are those of 575, its checks and words those of the installer's source of that time:
what older ones call errors are warnings there, with a question whose default is to give up. So a
silent installation fails while nouveau drives the cards, having disabled it for the next boot, and
while a loaded driver is in use. A Debian package of the driver stops it too, without a word on
the terminal. DKMS is used wherever it is installed. Once all is in place the module is loaded.
"""

import hashlib
import json
import os
from pathlib import Path

from tests.standins.hardware import deb
from tests.standins.nvidia.build import FILES, library
from tests.standins.nvidia.packages import cuda, modprobe, program

_INSTALLER = Path(__file__).parent / "installer"


def run_file(folder: Path, version: str) -> Path:
    """Leave the installer in ``folder``; the same version is the same bytes."""
    arch = os.uname().machine
    name = f"NVIDIA-Linux-{arch}-{version}"
    about = {"version": version, "cuda": cuda(version)}
    archive = deb.tar(
        {
            "/libnvidia-ml.so": library(),
            "/nvidia-installer": program("nvidia-installer"),
            "/nvidia-modprobe": modprobe(),
            "/nvidia-persistenced": program("nvidia-persistenced"),
            "/nvidia-smi": program("nvidia-smi"),
            "/nvidia_installer/about.json": json.dumps(about),
            "/nvidia_installer/options.txt": (_INSTALLER / "options.txt").read_text(),
            **{f"/nvidia_installer/{p.name}": p.read_text() for p in _INSTALLER.glob("*.py")},
        }
    )
    stub = (FILES / "stub.sh").read_text()
    digest = hashlib.md5(archive, usedforsecurity=False).hexdigest()
    for word, meaning in (
        ("@NAME@", name), ("@ARCH@", arch), ("@VERSION@", version), ("@MD5@", digest),
    ):  # fmt: skip
        stub = stub.replace(word, meaning)
    # The number of the archive's first byte is as long as the word that stands for it.
    begin = f"{len(stub.encode()) + 1:0{len('@BEGIN@')}}"
    folder.mkdir(parents=True, exist_ok=True)
    made = folder / f"{name}.run"
    made.write_bytes(stub.replace("@BEGIN@", begin).encode() + archive)
    made.chmod(0o755)
    return made
