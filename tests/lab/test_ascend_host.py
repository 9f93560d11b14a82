"""
From a fresh OS to driver, firmware and CANN at their pinned versions, and to others, whatever is
lost on the way.

Cards and the vendor's packages are stand-ins (``tests/standins``); apt, systemd, SSH, reboots and
the loss of power are real.
"""

import time

import pytest

from tests.lab.ascend_site import CAPTURED, HOME, NEW, OLD, Site
from tests.lab.platform_site import ended
from tests.lab.site import Run, changes, sessions
from tests.standins.ascend import npu

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def site(ascend_site: Site) -> Site:
    """A fresh host with two cards of two chips, that knows no tool yet."""
    return ascend_site


@pytest.fixture(scope="module")
def ready(site: Site) -> tuple[Site, Run, Run]:
    """The same host made ready: the plan before it, and the run."""
    site.has(OLD, "8.2.RC1")
    with site.start("--dry") as process:
        plan = ended(process)
    return site, plan, site.run()


def test_fresh_host_becomes_ready(ready: tuple[Site, Run, Run]) -> None:
    site, _, done = ready
    assert done.code == 0, done.said
    assert site.shows() == "4 25.0.rc1.1"
    assert site.began() == []
    assert site.host.run("id -un HwHiAiUser").stdout.strip() == "HwHiAiUser"
    installed = site.host.run(f"ls {HOME}/ascend-toolkit/8.2.RC1/opp_kernel {HOME}/mindie/2.1.RC1")
    assert installed.returncode == 0
    # Root's alone is nothing that a server needs.
    settings = f"{HOME}/mindie/2.1.RC1/mindie-service/conf/config.json"
    for command in (f"cat {settings}", "npu-smi info"):
        assert site.host.run(f"runuser -u HwHiAiUser -- {command}").returncode == 0
    assert site.host.run(f"runuser -u nobody -- cat {settings}").returncode != 0


def test_dry_run_shows_the_first_steps(ready: tuple[Site, Run, Run]) -> None:
    _, plan, _ = ready
    (name,) = [step["name"] for step in plan.report["plan"] if "Bring driver" in step["name"]]
    assert name == (
        "Driver and toolkits | Bring driver 25.0.rc1.1: apt-update, ascend-needs, ascend-user, "
        "hdk-driver-25.0.rc1.1, hdk-firmware-7.7.0.1.231"
    )


def test_environment_is_captured_and_nobody_is_harmed(ready: tuple[Site, Run, Run]) -> None:
    """MindIE's own script empties /dev/shm; where servers have theirs, nothing was touched."""
    site, _, _ = ready
    captured = site.captured()
    assert captured["ASCEND_HOME_PATH"] == f"{HOME}/ascend-toolkit/8.2.RC1"
    assert captured["MINDIE_LLM_HOME_PATH"] == f"{HOME}/mindie/2.1.RC1/mindie-llm"
    assert captured["ATB_HOME_PATH"] == f"{HOME}/nnal/atb/8.2.RC1/atb/cxx_abi_0"
    assert not any("/latest" in value for value in captured.values())
    site.host.run(f"echo in use > /dev/shm/somebody && rm {CAPTURED}")
    again = site.run()
    assert again.code == 0, again.said
    assert site.host.run("cat /dev/shm/somebody").stdout == "in use\n"
    assert site.captured() == captured


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
    for name in ("cann", "ascend-toolkit/latest"):
        there = site.host.run(f"readlink -f {HOME}/{name}").stdout.strip()
        assert there == f"{HOME}/cann-8.5.1"
    assert site.captured("mindie-3.0.0")["ASCEND_HOME_PATH"] == f"{HOME}/cann-8.5.1"


def test_back_to_the_cann_before(ready: tuple[Site, Run, Run]) -> None:
    """It is still there, with what was captured of it: nothing is to be done."""
    site, _, _ = ready
    captured = site.captured("mindie-2.1.rc1")
    site.has(OLD, "8.2.RC1")
    done = site.run()
    assert done.code == 0, done.said
    assert changes(done.report) == []
    # Though every link leads to the newer one by now, and the script of the older is gone.
    site.host.run(f"rm {CAPTURED.replace('*', 'mindie-2.1.rc1-*')}")
    done = site.run()
    assert done.code == 0, done.said
    assert site.captured("mindie-2.1.rc1") == captured


def test_connection_cut_in_the_middle_of_an_upgrade(ready: tuple[Site, Run, Run]) -> None:
    """The installer goes on, and the same run follows it to its end, through the reboot."""
    site, _, _ = ready
    site.has(NEW, "8.2.RC1")
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


def test_power_lost_in_the_middle_of_a_downgrade(ready: tuple[Site, Run, Run]) -> None:
    """
    Away with both, reboot, the older ones, reboot; in the middle of it the driver's files say that
    they are the older one's, and are not whole. The same run goes on.
    """
    site, _, _ = ready
    site.has(OLD, "8.2.RC1")
    site.pause("driver-version", 60)
    with site.start("-y") as process:
        site.comes_to_point("driver-version")
        site.host.crash()
        site.host.start()
        version = site.host.run(f"head -n 1 {HOME}/driver/version.info").stdout.strip()
        done = ended(process)
    assert done.code == 0, done.said
    assert version == f"Version={OLD[0]}"
    assert "to do: hdk-uninstall-firmware, hdk-uninstall-driver" in done.said
    assert f"to do: hdk-driver-{OLD[0]}, hdk-firmware-{OLD[1]}" in done.said
    assert site.shows() == "4 25.0.rc1.1"
    assert changes(site.run().report) == []


def test_failing_chip_is_told(ready: tuple[Site, Run, Run]) -> None:
    site, _, _ = ready
    npu.break_npu(site.host, 1, 1, codes=["80E01801"])
    done = site.run(deploy="preflight")
    npu.break_npu(site.host, 1, 1, health="OK", codes=())
    assert "devices/1: found health Alarm (80E01801) on device 1 (310P3)" in done.said
    assert "[device-quarantined]" in done.said
