"""An installation, from the first look to the module in the kernel."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from . import disk, refusals
from .said import Asked, Failed, Said

_LIBRARIES = Path("/usr/lib/x86_64-linux-gnu")
_PROGRAMS = Path("/usr/bin")
_KNOBS = Path("/etc/standin")
_LICENSES = {"o": "Dual MIT/GPL", "p": "NVIDIA"}


def install(asked: Asked, said: Said) -> None:
    """
    Replace what is installed by this driver, unless something speaks against it.

    A build takes as long as ``/etc/standin/build-seconds`` says, half of it when the old driver
    is gone and the new one is half there.
    """
    refusals.x_server(asked, said)
    refusals.loaded_driver(asked, said)
    said.note(f"Installing NVIDIA driver version {disk.VERSION}.")
    refusals.packages(asked, said)
    refusals.tools(said)
    refusals.nouveau(asked, said)
    refusals.headers(asked, said)
    module = _build(asked, said)
    disk.uninstall(said)
    _put(module)
    if asked.get("dkms", True) and shutil.which("dkms"):
        _register(module, said)
    disk.run("ldconfig")
    (disk.MODULES / "modules.dep").touch()
    if "skip-module-load" not in asked and disk.run("modprobe", "nvidia"):
        said.error("Unable to load the 'nvidia-drm' kernel module.")
        raise Failed
    said.message(
        f"Installation of the {disk.DESCRIPTION} (version: {disk.VERSION}) is now complete."
    )


def _build(asked: Asked, said: Said) -> str:
    said.note("Building kernel modules:")
    _wait()
    if (_KNOBS / "build-fails").exists():
        said.error(
            'An error occurred while performing the step: "Building kernel modules". See '
            f"{said.path} for details."
        )
        raise Failed
    kind = str(asked.get("kernel-module-type", "open"))[0].lower()
    return f"version={disk.VERSION}\nlicense={_LICENSES[kind]}\ncuda={disk.CUDA}\n"


def _put(module: str) -> None:
    disk.begin()
    library = f"libnvidia-ml.so.{disk.VERSION}"
    disk.put(_LIBRARIES / library, disk.payload("libnvidia-ml.so"))
    disk.put(_LIBRARIES / "libnvidia-ml.so.1", library)
    _wait()
    for name in ("nvidia-smi", "nvidia-modprobe", "nvidia-persistenced", "nvidia-installer"):
        disk.put(_PROGRAMS / name, disk.payload(name))
    for name, content in disk.package().items():
        disk.put(Path("/usr/lib/nvidia/installer/nvidia_installer", name), content, 0o644)
    disk.put(_PROGRAMS / "nvidia-uninstall", "nvidia-installer")
    disk.put(disk.MODULES / "kernel/drivers/video/nvidia.ko", module.encode(), 0o644)


def _register(module: str, said: Said) -> None:
    said.note("Registering the kernel modules with DKMS:")
    source = Path(f"/usr/src/nvidia-{disk.VERSION}")
    source.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"module.{line}\n" for line in module.splitlines())
    (source / "dkms.conf").write_text(f"modules=nvidia\n{lines}")
    disk.run("dkms", "add", "-m", "nvidia", "-v", disk.VERSION)
    if disk.run("dkms", "install", "-m", "nvidia", "-v", disk.VERSION):
        said.warning(
            "Failed to register the NVIDIA kernel modules with DKMS. The NVIDIA kernel modules "
            "will be installed, but will not be automatically rebuilt if you change your kernel."
        )


def _wait() -> None:
    knob = _KNOBS / "build-seconds"
    if knob.exists():
        time.sleep(float(knob.read_text()) / 2)
