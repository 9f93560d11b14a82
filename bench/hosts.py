"""
Lab hosts to be measured: what is plugged into them, and how they get as a run leaves them.

systemd, SSH, apt and Python are real; cards, drivers and the vendors' tools are ``tests/standins``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from roles.lab import Lab, LabError, LabHost
from roles.spec import Accelerator
from tests.lab.platform_site import Site
from tests.standins.ascend import build, npu
from tests.standins.hardware import deb, kernel
from tests.standins.hardware.plug import KERNEL, reboot
from tests.standins.nvidia import gpus
from tests.standins.nvidia.host import install_repository
from tests.standins.nvidia.packages import VERSIONS, repository

_APT = "DEBIAN_FRONTEND=noninteractive apt-get install -y -qq"


@contextmanager
def fresh(lab: Lab, count: int = 1) -> Iterator[Path]:
    """New hosts of a lab, and a folder beside them; all of it is gone afterwards."""
    lab.destroy()
    try:
        with TemporaryDirectory() as made:
            lab.up(count)
            yield Path(made)
    finally:
        lab.destroy()


def prepare(host: LabHost, accelerator: Accelerator) -> None:
    """Have ``deploy/prepare.py`` make a host ready; its driver stays as it is."""
    with TemporaryDirectory() as folder:
        site = Site([host], Path(folder), str(accelerator))
        site.want("None")
        done = site.run()
    if done.code:
        raise LabError(f"{host.name}: deploy/prepare.py failed there:\n{done.said}")


def plug_gpus(host: LabHost) -> None:
    """Have eight H200 and four NVSwitches there, and a driver that answers."""
    gpus.plug(host, [gpus.H200] * 8, switches=4)
    with TemporaryDirectory() as folder:
        install_repository(host, repository(Path(folder), VERSIONS[-1:]))
    _must(host, f"{_APT} linux-headers-{KERNEL}")
    _must(host, f"{_APT} nvidia-open nvidia-fabricmanager")
    reboot(host)
    # Not enabled: at boot it and nvidia-persistenced would change one file of the stand-in at once.
    _must(host, "systemctl start nvidia-fabricmanager")


def plug_npus(host: LabHost) -> None:
    """Have eight Ascend 910B4 there, and a driver that answers."""
    npu.plug(host, npu.a2(8))
    npu.start_at_once(host)
    with TemporaryDirectory() as folder:
        tools = [*kernel.packages(), *npu.packages()]
        install_repository(host, deb.repository(Path(folder), tools))
    _must(host, f"{_APT} linux-headers-{KERNEL} dkms pciutils net-tools && useradd -m HwHiAiUser")
    made = build.hdk(Path(host.disk.root) / "root", "910b").driver
    _must(host, f"bash /root/{made.name} --full --install-for-all --quiet")


def _must(host: LabHost, command: str) -> None:
    done = host.run(command)
    if done.returncode:
        raise LabError(f"{host.name}: {command}: {done.stdout}{done.stderr}")
