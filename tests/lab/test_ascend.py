"""
From a fresh OS to driver, firmware and CANN at their pinned versions, and to others, whatever is
lost on the way.

Cards and the vendor's packages are stand-ins (``tests/standins``); apt, systemd, SSH, reboots and
the loss of power are real.
"""

import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab
from roles.lab.command import wait
from tests.lab.conftest import PREFIX
from tests.lab.gpu_site import Site as GpuSite
from tests.lab.gpu_site import ended
from tests.lab.site import Run, changes, sessions
from tests.standins.ascend import build, npu
from tests.standins.hardware import deb, kernel
from tests.standins.nvidia.host import install_repository

pytestmark = pytest.mark.lab

VENDOR = "/srv/vendor"
# Which MindIE goes with which CANN.
MINDIE = {"8.5.0": "2.3.0", "8.5.1": "3.0.0"}
OLD, NEW = ("25.0.rc1.1", "7.7.0.1.231"), ("25.5.1", "7.8.0.2.212")
STACK = """(Stack(
    name="mindie-{mindie}", engine="mindie", accelerator="ascend", version="{mindie}",
    python="3.11",
    command=("none",), disk_gib=1, lock=Lock(file=Path({lock!r})), installers=({installers}),
),)"""


class Site(GpuSite):
    """A host with NPUs, what it should have, and who sees to it."""

    def has(self, hdk: tuple[str, str], *cann: str) -> None:
        """Say which driver and firmware it should have, and which CANN, as an inventory does."""
        driver, firmware = build.hdk(self.vendor, driver=hdk[0], firmware=hdk[1])
        wanted = f"AscendHdk(driver={_pinned(driver)}, firmware={_pinned(firmware)})"
        lock = self.folder / "lock.txt"
        lock.write_text(f"torch==2.1.0 --hash=sha256:{'0' * 64}\n")
        stacks = "".join(self._stack(version, str(lock)) for version in cann)
        folder = f'HostFolder(path="{VENDOR}")'
        self.want(wanted, may_reboot=True, installers=folder, ready_for=stacks or "()")
        text = self.inventory.read_text()
        self.inventory.write_text(text.replace('accelerator="cuda"', 'accelerator="ascend"'))

    def _stack(self, version: str, lock: str) -> str:
        made = [*build.cann(self.vendor, version=version)]
        made.append(build.mindie(self.vendor, version=MINDIE[version]))
        installers = ", ".join(map(_pinned, made))
        return STACK.format(mindie=MINDIE[version], lock=lock, installers=installers)

    @property
    def vendor(self) -> Path:
        """The folder of the vendor's files, as this machine sees it."""
        folder = Path(self.host.disk.root) / VENDOR.lstrip("/")
        folder.mkdir(exist_ok=True)
        return folder

    def shows(self) -> str:
        """Return the driver that answers and how many chips it shows."""
        table = self.host.run("npu-smi info").stdout
        version = table.split("Version: ")[-1].split()[0] if "Version: " in table else "none"
        return f"{table.count('310P3')} {version}"

    def pause(self, point: str, seconds: float) -> None:
        """Have the next installer that comes to a point stay there."""
        self.host.run("rm -f /run/standin/ascend/points")
        npu.pause(self.host, point, seconds)

    def comes_to_point(self, point: str) -> None:
        """Wait until an installer is at the point where it stays."""
        came = wait(lambda: point in npu.reached(self.host), within_s=60)
        assert came, f"never came to {point}"


def _pinned(file: Path) -> str:
    digest = hashlib.sha256(file.read_bytes()).hexdigest()
    return f'Installer(file="{file.name}", sha256="{digest}")'


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A fresh host with two cards of two chips, that knows no tool yet."""
    own = Lab(f"{PREFIX}{os.getpid()}npu")
    try:
        own.up(1)
        made = Site(own.hosts, tmp_path_factory.mktemp("npu"))
        npu.plug(made.host, npu.duo(2))
        tools = [*kernel.packages(), *npu.packages()]
        install_repository(made.host, deb.repository(made.folder / "tools", tools))
        yield made
    finally:
        own.destroy()


@pytest.fixture(scope="module")
def ready(site: Site) -> tuple[Site, Run, Run]:
    """The same host made ready: the plan before it, and the run."""
    site.has(OLD, "8.5.0")
    with site.start("--dry") as process:
        plan = ended(process)
    return site, plan, site.run()


def test_fresh_host_becomes_ready(ready: tuple[Site, Run, Run]) -> None:
    site, _, done = ready
    assert done.code == 0, done.said
    assert site.shows() == "4 25.0.rc1.1"
    assert site.began() == []
    assert site.host.run("id -un HwHiAiUser").stdout.strip() == "HwHiAiUser"
    installed = site.host.run("ls /usr/local/Ascend/cann-8.5.0 /usr/local/Ascend/mindie/2.3.0")
    assert installed.returncode == 0


def test_dry_run_shows_the_first_steps(ready: tuple[Site, Run, Run]) -> None:
    _, plan, _ = ready
    (name,) = [step["name"] for step in plan.report["plan"] if "driver" in step["name"]]
    assert name == (
        "Driver and toolkits | Bring driver 25.0.rc1.1: apt-update, ascend-needs, ascend-user, "
        "hdk-driver-25.0.rc1.1, hdk-firmware-7.7.0.1.231"
    )


def test_environment_is_captured_and_nobody_is_harmed(ready: tuple[Site, Run, Run]) -> None:
    """MindIE's own script empties /dev/shm; where servers have theirs, nothing was touched."""
    site, _, _ = ready
    shown = site.host.run("cat /opt/metalserve/ascend/*.environment").stdout
    assert 'ASCEND_HOME_PATH="/usr/local/Ascend/cann-8.5.0"' in shown
    assert 'MINDIE_LLM_HOME_PATH="/usr/local/Ascend/mindie/2.3.0/mindie-llm"' in shown
    assert "/latest" not in shown
    site.host.run("echo in use > /dev/shm/somebody && rm /opt/metalserve/ascend/*.environment")
    again = site.run()
    assert again.code == 0, again.said
    assert site.host.run("cat /dev/shm/somebody").stdout == "in use\n"
    assert site.host.run("cat /opt/metalserve/ascend/*.environment").stdout == shown


def test_second_run_changes_nothing(ready: tuple[Site, Run, Run]) -> None:
    site, _, _ = ready
    boot, before = site.boot(), sessions(site.host)
    done = site.run()
    assert done.code == 0, done.said
    assert changes(done.report) == []
    # The question for the number of sessions is one itself.
    assert sessions(site.host) - before == 2
    assert site.boot() == boot


def test_power_lost_in_the_middle_of_a_toolkit(ready: tuple[Site, Run, Run]) -> None:
    """A second CANN comes beside the first, at the second try."""
    site, _, _ = ready
    site.has(OLD, "8.5.1")
    site.pause("toolkit-toolkit", 60)
    with site.start("-y") as process:
        site.comes_to_point("toolkit-toolkit")
        process.kill()
        process.communicate()
    site.host.crash()
    site.host.start()
    assert site.began() == ["toolkit-8.5.1"]
    done = site.run()
    assert done.code == 0, done.said
    assert site.began() == []
    versions = site.host.run("ls -d /usr/local/Ascend/cann-*").stdout.split()
    assert versions == ["/usr/local/Ascend/cann-8.5.0", "/usr/local/Ascend/cann-8.5.1"]


def test_back_to_the_cann_before(ready: tuple[Site, Run, Run]) -> None:
    """It is still there, with what was captured of it: nothing is to be done."""
    site, _, _ = ready
    site.has(OLD, "8.5.0")
    done = site.run()
    assert done.code == 0, done.said
    assert changes(done.report) == []


def test_connection_cut_in_the_middle_of_an_upgrade(ready: tuple[Site, Run, Run]) -> None:
    """The installer goes on, and the same run follows it to its end, through the reboot."""
    site, _, _ = ready
    site.has(NEW, "8.5.0")
    site.pause("driver-ko", 6)
    with site.start("-y") as process:
        site.comes_to_point("driver-ko")
        site.host.cut()
        time.sleep(3)
        site.host.mend()
        done = ended(process)
    assert done.code == 0, done.said
    assert site.shows() == "4 25.5.1"
    assert "to do: hdk-firmware-7.8.0.2.212, hdk-driver-25.5.1" in done.said


def test_downgrade(ready: tuple[Site, Run, Run]) -> None:
    """There is no way back in place: away with both, reboot, the older ones, reboot."""
    site, _, _ = ready
    site.has(OLD, "8.5.0")
    boot = site.boot()
    done = site.run()
    assert done.code == 0, done.said
    assert "to do: hdk-uninstall-firmware, hdk-uninstall-driver" in done.said
    assert site.shows() == "4 25.0.rc1.1"
    assert site.boot() != boot
    assert changes(site.run().report) == []


def test_failing_chip_is_told(ready: tuple[Site, Run, Run]) -> None:
    site, _, _ = ready
    npu.break_npu(site.host, 1, 1, codes=["80E01801"])
    done = site.run(deploy="preflight")
    npu.break_npu(site.host, 1, 1, health="OK", codes=())
    assert "devices/1: found health Alarm (80E01801) on device 1 (310P3)" in done.said
    assert "[device-quarantined]" in done.said
