"""
From a fresh OS to a driver at its pinned version, and to others, whatever is lost on the way.

Cards, modules, packages and installers are stand-ins (``tests/standins``); apt, dpkg, systemd, SSH,
reboots and the loss of power are real.
"""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab
from tests.lab import fixtures
from tests.lab.conftest import PREFIX
from tests.lab.platform_site import INSTANCES, Site, ended, from_file, from_packages, loaded
from tests.lab.site import STANDIN, Run, changes, sessions
from tests.lab.waiting import AT_MOST_S, comes
from tests.standins.hardware.plug import KERNEL
from tests.standins.nvidia import gpus
from tests.standins.nvidia.host import BUILDS, PUTS, install_repository, mend_builds, slow_builds
from tests.standins.nvidia.packages import repository

pytestmark = pytest.mark.lab

OLDEST, OLD, NEW = "570.133.20", "580.65.06", "580.95.05"
VENDOR = "/srv/vendor"


@pytest.fixture(scope="module")
def gpu_lab(lab: Lab) -> Iterator[Lab]:
    """Two hosts of this module's own: what is plugged into them stays there."""
    own = Lab(f"{PREFIX}{os.getpid()}gpu")
    try:
        own.up(2)
        for host in own.hosts:
            # As a distribution's kernel comes: with the driver that keeps NVIDIA's away.
            module = Path(host.disk.root, f"lib/modules/{KERNEL}/kernel/nouveau.ko")
            module.parent.mkdir(parents=True)
            module.write_text("license=GPL\n")
            gpus.plug(host, [gpus.H200, gpus.H200])
        yield own
    finally:
        own.destroy()


@pytest.fixture(scope="module")
def packaged(gpu_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A fresh host that knows NVIDIA's repository, which is not what it runs."""
    folder = tmp_path_factory.mktemp("packaged")
    site = Site(gpu_lab.hosts[:1], folder)
    install_repository(site.host, repository(folder / "repository", (OLDEST, OLD, NEW)))
    assert "nouveau" in site.host.run("lsmod").stdout
    return site


@pytest.fixture(scope="module")
def ready(packaged: Site) -> tuple[Site, Run, Run]:
    """The same host made ready: the plan before it, and the run."""
    packaged.want(
        from_packages(OLD), may_reboot=True, containers='ContainerToolkit(version="1.18.0")'
    )
    with packaged.start("--dry") as process:
        plan = ended(process)
    return packaged, plan, packaged.run()


def test_fresh_host_becomes_ready(ready: tuple[Site, Run, Run]) -> None:
    """The newest driver in the repository is another one, and its libraries too."""
    site, _, done = ready
    assert done.code == 0, done.said
    assert "rebooting now: nouveau-off takes effect with a reboot" in done.said
    assert site.loaded() == f"2 {OLD}"
    assert "nouveau" not in site.host.run("lsmod").stdout
    assert site.began() == []
    held = site.host.run("apt-mark showhold").stdout.split()
    assert held == [f"linux-headers-{KERNEL}", "nvidia-open"]
    assert site.host.run("systemctl is-enabled nvidia-persistenced").stdout.strip() == "enabled"
    assert OLD in site.host.run("cat /etc/cdi/nvidia.yaml").stdout


def test_dry_run_shows_the_steps(ready: tuple[Site, Run, Run]) -> None:
    _, plan, _ = ready
    (name,) = [step["name"] for step in plan.report["plan"] if "driver" in step["name"]]
    assert name == (
        f"Driver and toolkits | Bring driver {OLD}: apt-update, build-tools-{KERNEL}, nouveau-off, "
        f"nvidia-driver-{OLD}, nvidia-hold, nvidia-persistence, nvidia-container-toolkit-1.18.0"
    )


def test_second_run_changes_nothing(ready: tuple[Site, Run, Run]) -> None:
    """With one question to the host."""
    site, _, _ = ready
    boot, before = site.boot(), sessions(site.host)
    done = site.run()
    assert done.code == 0, done.said
    assert changes(done.report) == []
    # The question for the number of sessions is one itself.
    assert sessions(site.host) - before == 2
    assert site.boot() == boot


def test_upgrade_without_leave_to_reboot(ready: tuple[Site, Run, Run]) -> None:
    """All but the reboot is done, and both runs say what waits; a third one is allowed to."""
    site, _, _ = ready
    boot = site.boot()
    site.want(from_packages(NEW))
    first, second = site.run(), site.run()
    assert (first.code, second.code, site.boot()) == (1, 1, boot)
    waits = (
        f"nvidia-driver-{NEW} takes effect with a reboot; the host waits for a reboot, which is "
        "not allowed; allow it with may_reboot=True in the inventory, or once with --data "
        "reboot=yes, or reboot it yourself and run again"
    )
    assert waits in first.said
    assert waits in second.said
    third = site.run("--data", "reboot=yes")
    assert third.code == 0, third.said
    assert site.loaded() == f"2 {NEW}"
    assert site.boot() != boot
    assert "nvidia-open" in site.host.run("apt-mark showhold").stdout


def test_connection_cut_in_the_middle_of_a_downgrade(ready: tuple[Site, Run, Run]) -> None:
    """The job goes on, and the same run follows it to its end."""
    site, _, _ = ready
    site.want(from_packages(OLDEST), may_reboot=True)
    slow_builds(site.host, 8)
    try:
        with site.start("-y") as process:
            site.comes_to(f"nvidia-driver-{OLDEST}", BUILDS)
            site.host.cut()
            time.sleep(4)
            site.host.mend()
            done = ended(process)
    finally:
        mend_builds(site.host)
    assert done.code == 0, done.said
    assert site.loaded() == f"2 {OLDEST}"
    again = site.run()
    assert changes(again.report) == []


def test_power_lost_in_the_middle_of_dpkg(ready: tuple[Site, Run, Run]) -> None:
    """Nobody watches any more either: the next run ends what was begun."""
    site, _, _ = ready
    site.want(from_packages(NEW), may_reboot=True)
    slow_builds(site.host, 8)
    with site.start("-y") as process:
        site.comes_to(f"nvidia-driver-{NEW}", BUILDS)
        process.kill()
        process.communicate()
    site.host.crash()
    mend_builds(site.host)
    site.host.start()
    # Unpacked, not configured: as a package is that the power cut short.
    assert "iU " in site.host.run("dpkg --list 'nvidia-*'").stdout
    assert site.began() == [f"nvidia-driver-{NEW}"]
    done = site.run()
    assert done.code == 0, done.said
    assert "to do: dpkg-configure, apt-repair, apt-update" in done.said
    assert site.loaded() == f"2 {NEW}"
    assert site.host.run("dpkg --audit").stdout == ""
    assert changes(site.run().report) == []


@pytest.fixture(scope="module")
def from_files(gpu_lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Site:
    """A fresh host that knows no repository of NVIDIA's; the files were carried to it."""
    site = Site(gpu_lab.hosts[1:], tmp_path_factory.mktemp("files"))
    kernel = repository(site.folder / "repository", ())
    install_repository(site.host, kernel)
    return site


def _carried(site: Site, version: str) -> str:
    folder = Path(site.host.disk.root) / VENDOR.lstrip("/")
    return from_file(folder, version)


def test_fresh_host_becomes_ready_from_a_file(from_files: Site) -> None:
    site = from_files
    site.want(_carried(site, OLD), may_reboot=True, installers=f'HostFolder(path="{VENDOR}")')
    done = site.run()
    assert done.code == 0, done.said
    assert site.loaded() == f"2 {OLD}"
    assert changes(site.run().report) == []


def test_power_lost_in_the_middle_of_the_installer(from_files: Site) -> None:
    """The old driver is gone, the new one half there: the same run goes on when it is back."""
    site = from_files
    site.want(_carried(site, NEW), may_reboot=True, installers=f'HostFolder(path="{VENDOR}")')
    slow_builds(site.host, 10)
    with site.start("-y") as process:
        site.comes_to(f"nvidia-driver-{NEW}", PUTS.format(NEW))
        site.host.crash()
        mend_builds(site.host)
        site.host.start()
        done = ended(process)
    assert done.code == 0, done.said
    assert "the host was cut off or went down in the middle; going on from there" in done.said
    assert site.loaded() == f"2 {NEW}"
    assert changes(site.run().report) == []


def test_downgrade_from_a_file_of_this_machine(from_files: Site, tmp_path: Path) -> None:
    """It is sent once; one with another content than the pinned is not run."""
    site = from_files
    wanted = from_file(tmp_path, OLDEST)
    folder = f'Folder(path=__import__("pathlib").Path("{tmp_path}"))'
    (made,) = tmp_path.glob("*.run")
    right = made.read_bytes()
    made.write_bytes(right[:-1] + b"x")
    site.want(wanted, may_reboot=True, installers=folder)
    refused = site.run()
    assert refused.code == 1
    assert "is another file than the pinned one and was not run" in refused.said
    assert site.loaded() == f"2 {NEW}"
    made.write_bytes(right)
    done = site.run()
    assert done.code == 0, done.said
    assert site.loaded() == f"2 {OLDEST}"


@pytest.fixture
def serving(gpu_lab: Lab, wheels: Path, tmp_path: Path, from_files: Site) -> tuple[Site, str]:
    """Both hosts with packages of the older driver, each serving; and what each serves."""
    done = from_files.host.run("nvidia-uninstall --silent && systemctl reboot")
    assert comes(lambda: not from_files.host.answers()), done.stderr
    from_files.host.wait_ready()
    site = Site(gpu_lab.hosts, tmp_path)
    stack = STANDIN.format(lock=str(wheels / "lock.txt"))
    stack = stack.replace('"cpu"', '"cuda", driver="570.0"')
    instances = INSTANCES.format(stack=stack)
    for host in site.hosts:
        install_repository(host, repository(tmp_path / "repository", (OLD, NEW)))
        carried = Path(host.disk.root) / fixtures.WHEELS.lstrip("/")
        shutil.copytree(wheels, carried, dirs_exist_ok=True)
    site.want(
        from_packages(OLD), may_reboot=True, instances=instances,
        packages=f'Packages(folder="{fixtures.WHEELS}")',
    )  # fmt: skip
    ready = site.run(deploy="main")
    assert ready.code == 0, ready.said
    return site, instances


def test_hosts_that_serve_take_turns(serving: tuple[Site, str]) -> None:
    """One is drained, changed, rebooted and serves again before the other is begun."""
    site, instances = serving
    carried = f'Packages(folder="{fixtures.WHEELS}")'
    site.want(from_packages(NEW), instances=instances, packages=carried)
    refused = site.run()
    assert refused.code == 1
    assert "and chat serves here; nothing was changed; allow it with" in refused.said
    assert [loaded(host) for host in site.hosts] == [f"2 {OLD}"] * 2

    done = site.run("--data", "reboot=yes")
    assert done.code == 0, done.said
    lines = re.findall(r"\[(\S+)\] (to do|driver \S+ is as pinned)", done.said)
    first, second = lines[0][0], lines[-1][0]
    assert first != second
    ready = f"driver {NEW} is as pinned"
    assert lines == [
        (first, "to do"), (first, ready), (second, "to do"), (second, ready),
    ]  # fmt: skip
    for host in site.hosts:
        assert loaded(host) == f"2 {NEW}"
        asked = host.run("python3 /opt/metalserve/hostside/ask.py chat", timeout_s=AT_MOST_S)
        assert asked.returncode == 0, asked.stdout
