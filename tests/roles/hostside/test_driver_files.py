"""What of the driver is installed, from packages, files and units."""

import platform
from pathlib import Path

import driver_files
import pytest

DPKG = (
    "ii \tadduser\t3.134\n"
    "hi \tnvidia-driver-580-server\t580.95.05-0ubuntu0.24.04.1\n"
    "iU \tlibnvidia-compute-580-server\t580.95.05-0ubuntu0.24.04.1\n"
    "iF \tnvidia-dkms-580-server\t580.95.05-0ubuntu0.24.04.1\n"
    "iHR\tnvidia-utils-580-server\t580.95.05-0ubuntu0.24.04.1\n"
    "rc \tnvidia-driver-570-server\t570.172.08-0ubuntu0.24.04.1\n"
    "un \tnvidia-common\t\n"
    "ii \tlinux-image-6.8.0-60-generic\t6.8.0-60.63\n"
    "hi \tlinux-headers-6.8.0-60-generic\t6.8.0-60.63\n"
    "iW \tman-db\t2.12.0\n"
    "ii \tcuda-drivers\t580.95.05-1\n"
)


def _command(folder: Path, name: str, script: str) -> None:
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{script}\n")
    (folder / name).chmod(0o755)


@pytest.fixture
def commands(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that alone is looked in for commands, but for the shell's own."""
    folder = tmp_path / "bin"
    folder.mkdir()
    (folder / "sh").symlink_to("/bin/sh")
    monkeypatch.setenv("PATH", str(folder))
    return folder


def test_packages() -> None:
    """Those of NVIDIA and of the kernel, and whatever else is in the middle of something."""
    version = "580.95.05-0ubuntu0.24.04.1"
    assert driver_files.parsed(DPKG) == {
        "nvidia-driver-580-server": {"version": version, "held": True, "whole": True},
        "libnvidia-compute-580-server": {"version": version, "held": False, "whole": False},
        "nvidia-dkms-580-server": {"version": version, "held": False, "whole": False},
        "nvidia-utils-580-server": {"version": version, "held": False, "whole": False},
        "linux-image-6.8.0-60-generic": {"version": "6.8.0-60.63", "held": False, "whole": True},
        "linux-headers-6.8.0-60-generic": {"version": "6.8.0-60.63", "held": True, "whole": True},
        "man-db": {"version": "2.12.0", "held": False, "whole": False},
        "cuda-drivers": {"version": "580.95.05-1", "held": False, "whole": True},
    }


def test_packages_of_a_real_database(tmp_path: Path) -> None:
    database = tmp_path / "var/lib/dpkg"
    (database / "updates").mkdir(parents=True)
    fields = "Architecture: amd64\nMaintainer: me\nDescription: none\n"
    (database / "status").write_text(
        f"Package: nvidia-open\nStatus: hold ok installed\nVersion: 580.65.06-1\n{fields}\n"
        f"Package: libcuda1\nStatus: install ok unpacked\nVersion: 580.65.06-1\n{fields}\n"
        f"Package: gone\nStatus: deinstall ok config-files\nVersion: 1\n{fields}\n"
    )
    assert driver_files.packages(str(tmp_path)) == {
        "nvidia-open": {"version": "580.65.06-1", "held": True, "whole": True},
        "libcuda1": {"version": "580.65.06-1", "held": False, "whole": False},
    }


def test_no_dpkg(commands: Path) -> None:
    assert driver_files.packages() is None


@pytest.mark.parametrize(
    "folder", ["usr/lib/x86_64-linux-gnu", "usr/lib/aarch64-linux-gnu", "usr/lib64"]
)
def test_library(folder: str, tmp_path: Path) -> None:
    place = tmp_path / folder
    place.mkdir(parents=True)
    assert driver_files.library(str(tmp_path)) is None
    (place / "libnvidia-ml.so.580.95.05").touch()
    (place / "libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.580.95.05")
    assert driver_files.library(str(tmp_path)) == "580.95.05"


def test_library_without_its_file(tmp_path: Path) -> None:
    """A link that an interrupted installer left says what is to come, not what is."""
    place = tmp_path / "usr/lib64"
    place.mkdir(parents=True)
    (place / "libnvidia-ml.so.1").symlink_to("libnvidia-ml.so.580.95.05")
    assert driver_files.library(str(tmp_path)) is None


def test_module(commands: Path, tmp_path: Path) -> None:
    assert driver_files.module(str(tmp_path)) is None
    (tmp_path / "lib/modules" / platform.release()).mkdir(parents=True)
    assert driver_files.module(str(tmp_path)) is None
    _command(commands, "modinfo", '[ "$*" = "-F version nvidia" ] && echo 580.95.05')
    assert driver_files.module(str(tmp_path)) == "580.95.05"
    _command(commands, "modinfo", "echo 'modinfo: ERROR: Module nvidia not found.' >&2; exit 1")
    assert driver_files.module(str(tmp_path)) is None


def test_loaded(tmp_path: Path) -> None:
    assert driver_files.loaded(str(tmp_path)) is None


@pytest.mark.parametrize(
    ("path", "text", "off"),
    [
        ("etc/modprobe.d/metalserve-nouveau.conf", "blacklist nouveau\n", True),
        ("usr/lib/modprobe.d/nvidia.conf", "# x\n  blacklist  nouveau  \n", True),
        ("lib/modprobe.d/nvidia.conf", "install nouveau /bin/false\n", True),
        ("run/modprobe.d/nvidia.conf", "install nouveau /usr/bin/true\n", True),
        ("etc/modprobe.d/nvidia.conf", "# blacklist nouveau\n", False),
        ("etc/modprobe.d/nvidia.conf", "options nouveau modeset=0\n", False),
        ("etc/modprobe.d/nvidia.conf", "blacklist nouveau_other\n", False),
        ("etc/modprobe.d/nvidia.conf.bak", "blacklist nouveau\n", False),
    ],
)
def test_nouveau_off(path: str, text: str, off: bool, tmp_path: Path) -> None:
    assert driver_files.nouveau_off(str(tmp_path)) is False
    file = tmp_path / path
    file.parent.mkdir(parents=True)
    file.write_text(text)
    assert driver_files.nouveau_off(str(tmp_path)) is off


@pytest.mark.parametrize(
    ("said", "answer"), [("enabled", "enabled"), ("disabled", "disabled"), ("", None)]
)
def test_persistence(said: str, answer: str | None, commands: Path, tmp_path: Path) -> None:
    """The distribution's own unit, of which systemd also tells, is none of ours."""
    _command(commands, "systemctl", f"[ -z '{said}' ] || echo {said}; exit 1")
    assert driver_files.persistence(str(tmp_path)) is None
    unit = tmp_path / "etc/systemd/system/nvidia-persistenced.service"
    unit.parent.mkdir(parents=True)
    unit.touch()
    assert driver_files.persistence(str(tmp_path)) == answer


CDI = """\
cdiVersion: 0.5.0
containerEdits:
  mounts:
  - hostPath: /usr/lib/x86_64-linux-gnu/libcuda.so.580.95.05
  - hostPath: /usr/lib/x86_64-linux-gnu/libnvidia-ml.so.580.95.05
  - hostPath: /usr/lib/x86_64-linux-gnu/libnvidia-egl-gbm.so.1.1.2
  - hostPath: /lib/firmware/nvidia/580.95.05/gsp_ga10x.bin
"""


@pytest.mark.parametrize(
    ("text", "named"),
    [
        (None, None),
        (CDI, ["580.95.05"]),
        (CDI + "libcuda.so.570.133.20\n", ["570.133.20", "580.95.05"]),
        ("devices: []\n", []),
    ],
)
def test_cdi(text: str | None, named: list[str] | None, tmp_path: Path) -> None:
    (tmp_path / "etc/cdi").mkdir(parents=True)
    if text is not None:
        (tmp_path / "etc/cdi/nvidia.yaml").write_text(text)
    assert driver_files.cdi(str(tmp_path)) == named


def test_host_with_a_card(commands: Path, tmp_path: Path) -> None:
    _command(commands, "dkms", "")
    _command(commands, "nvidia-persistenced", "")
    assert driver_files.read(str(tmp_path)) is None, "no card is plugged in"
    for slot, vendor in {"0000:00:02.0": "0x8086", "0000:06:00.0": "0x10de"}.items():
        card = tmp_path / "sys/bus/pci/devices" / slot
        card.mkdir(parents=True)
        (card / "vendor").write_text(vendor + "\n")
    kernel = tmp_path / "sys/module/nvidia"
    kernel.mkdir(parents=True)
    (kernel / "version").write_text("580.65.06\n")
    assert driver_files.read(str(tmp_path)) == {
        "packages": None,
        "library": None,
        "module": None,
        "loaded": "580.65.06",
        "nouveau_off": False,
        "persistence": None,
        "cdi": None,
        "tools": ["dkms", "nvidia-persistenced"],
    }
