"""Brings the stand-ins of NVIDIA's software to a lab host."""

import shutil
from pathlib import Path

from roles.lab import LabHost

_FOLDER = "/srv/nvidia"
_SOURCE = "/etc/apt/sources.list.d/cuda-debian12-x86_64.list"


def install_repository(host: LabHost, folder: Path) -> None:
    """Have a host know a repository, by a folder of its own; what it has installed stays."""
    root = Path(host.disk.root)
    shutil.rmtree(root / _FOLDER.lstrip("/"), ignore_errors=True)
    shutil.copytree(folder, root / _FOLDER.lstrip("/"))
    (root / _SOURCE.lstrip("/")).write_text(f"deb [trusted=yes] file://{_FOLDER} ./\n")
    # The other sources are as they were: their lists are neither fetched nor thrown away.
    alone = (
        f"-o Dir::Etc::SourceList={_SOURCE} -o Dir::Etc::SourceParts=- -o APT::Get::List-Cleanup=0"
    )
    done = host.run(f"apt-get update {alone}")
    assert done.returncode == 0, done.stderr


# What is there once DKMS builds, slowly; and once an installer puts a driver in its place, slowly.
BUILDS = "/etc/standin/build-began"
PUTS = "/usr/lib/x86_64-linux-gnu/libnvidia-ml.so.{}"


def slow_builds(host: LabHost, seconds: float) -> None:
    """Let modules take that long to build; see ``kernel`` and ``installer`` for what is when."""
    knob = Path(host.disk.root) / "etc/standin/build-seconds"
    knob.parent.mkdir(exist_ok=True)
    knob.write_text(f"{seconds}\n")


def fail_builds(host: LabHost) -> None:
    """Let every build of a module fail."""
    knob = Path(host.disk.root) / "etc/standin/build-fails"
    knob.parent.mkdir(exist_ok=True)
    knob.touch()


def mend_builds(host: LabHost) -> None:
    """Let builds be quick and succeed again."""
    shutil.rmtree(Path(host.disk.root) / "etc/standin", ignore_errors=True)
