"""The lab is what the other tests trust: its hosts are real, and so is their misfortune."""

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest

from roles.lab import Lab, LabError, LabHost, cgroup, places
from roles.lab.delay import round_trip_ms
from tests.lab.waiting import AT_MOST_S, comes

# Prints how many times longer a piece of work takes than it is at work.
SPIN = """python3 -c '
import time
begin = time.time()
sum(range(20_000_000))
print((time.time() - begin) / time.process_time())
'"""

pytestmark = pytest.mark.lab


def remains(name: str) -> list[str]:
    """Everything on this machine that bears a lab's name, while other labs come and go."""
    run = [Path(at, entry) for at, *below in os.walk("/run") for entry in chain(*below)]
    kept = [places.STATE / name, *(path for path in run if f"{name}-" in path.name)]
    mounts = Path("/proc/self/mounts").read_text().splitlines()
    groups = [h.top / cgroup.ROOT / name for h in cgroup.hierarchies()]
    return [
        *[str(path) for path in (*kept, *groups) if path.exists()],
        *[mount for mount in mounts if f"{places.STATE}/{name}/" in mount],
        *[words for words in command_lines() if f"{places.STATE}/{name}/" in words],
    ]


def command_lines() -> Iterator[str]:
    """Of every process that is there long enough to be asked."""
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            yield path.read_text(errors="replace")


def links(bridge: str) -> list[str]:
    """The bridge and what hangs on it, as far as they are there."""
    listed = subprocess.run(
        ["ip", "-o", "link"], capture_output=True, text=True, check=True, timeout=AT_MOST_S
    ).stdout
    names = [line.split(":")[1].split("@")[0].strip() for line in listed.splitlines()]
    return [name for name in names if name.split("-")[0] == bridge]


def deploy(*data: str) -> subprocess.CompletedProcess[str]:
    """Run ``deploy/lab.py`` as an operator does."""
    words = [word for value in data for word in ("--data", value)]
    return subprocess.run(
        [".venv/bin/pyinfra", "@local", "deploy/lab.py", "-y", "--json", *words],
        cwd=places.REPOSITORY,
        env={**os.environ, "PYINFRA_PROGRESS": "off"},
        capture_output=True,
        text=True,
        check=False,
        timeout=AT_MOST_S,
    )


def changed(result: subprocess.CompletedProcess[str]) -> int:
    assert result.returncode == 0, result.stderr
    return int(json.loads(result.stdout)["results"]["totals"]["success"])


def test_hosts_are_booted_systems(lab: Lab) -> None:
    assert [host.name for host in lab.hosts] == [f"{lab.name}-1", f"{lab.name}-2"]
    ids = set()
    for host in lab.hosts:
        asked = host.run("hostname; cat /proc/1/comm; cat /etc/machine-id; nproc --all")
        name, init, machine, _ = asked.stdout.split()
        assert (name, init) == (host.name, "systemd")
        ids.add(machine)
    assert len(ids) == 2


def test_addresses_are_written_for_others(lab: Lab) -> None:
    listed = json.loads((lab.folder / "hosts.json").read_text())
    assert listed["hosts"] == [{"name": h.name, "address": h.address} for h in lab.hosts]
    assert Path(listed["key"]).stat().st_mode & 0o777 == 0o600
    assert listed["proxy"] == lab.proxy.url


def test_second_up_changes_nothing(lab: Lab) -> None:
    assert lab.up(2) == []
    assert changed(deploy(f"name={lab.name}")) == 0


def test_packages_come_through_the_proxy_alone(lab_host: LabHost) -> None:
    assert lab_host.run("apt-get update").returncode == 0
    fetched = lab_host.run("cd /root && python3 -m venv --clear v && v/bin/pip download six")
    assert fetched.returncode == 0, fetched.stderr
    assert "Could not resolve" in lab_host.run("curl -sS http://example.com").stderr
    assert "unreachable" in lab_host.run("ip route get 192.0.2.1").stderr
    refused = lab_host.run(
        f"curl -sS -x {proxy(lab_host)} -o /dev/null -w '%{{http_code}}' http://example.com"
    )
    assert refused.stdout == "403"


def proxy(host: LabHost) -> str:
    return host.run("sed -n 's/proxy = //p' /etc/pip.conf").stdout.strip()


def test_hosts_share_a_uv_cache(lab: Lab) -> None:
    first, second = lab.hosts
    shared = f"{places.HOST_UV_CACHE}/lab-test"
    assert first.run(f"touch {shared}").returncode == 0
    assert second.run(f"rm {shared}").returncode == 0


def test_hardened_units_run(lab_host: LabHost) -> None:
    wishes = (
        "DynamicUser=yes ProtectSystem=strict PrivateTmp=yes ProtectKernelTunables=yes "
        "DevicePolicy=closed SystemCallFilter=@system-service CapabilityBoundingSet= "
        "LoadCredential=secret:/etc/hostname NoNewPrivileges=yes"
    )
    options = " ".join(f"-p {wish}" for wish in wishes.split())
    said = lab_host.run(
        f"systemd-run --wait --pipe -q {options} sh -c 'cat $CREDENTIALS_DIRECTORY/secret'"
    )
    assert said.stdout.strip() == lab_host.name, said.stderr


def test_crash_keeps_what_was_synced(lab_host: LabHost) -> None:
    lab_host.run("echo kept > /root/file && sync")
    lab_host.crash()
    assert not lab_host.running
    assert not lab_host.answers()
    lab_host.start()
    assert lab_host.run("cat /root/file").stdout == "kept\n"


def test_deploy_starts_a_crashed_host_and_plugs_it_in(lab: Lab) -> None:
    lab.hosts[1].cut()
    lab.hosts[1].crash()
    assert lab.faults(2) == [f"{lab.name}-2 is off"]
    assert changed(deploy(f"name={lab.name}")) == 1
    assert lab.faults(2) == []


def test_up_survives_a_killed_keeper(lab: Lab) -> None:
    host = lab.hosts[1]
    booted = boot(host)
    # What a killed session leaves: a system that runs and nobody who knows of it.
    os.kill(int((host.folder / "pid").read_text()), signal.SIGKILL)
    lab.up(2)
    assert boot(host) != booted


def test_reboot_comes_back(lab_host: LabHost) -> None:
    before = boot(lab_host)
    lab_host.run("systemctl reboot")
    assert comes(lambda: lab_host.answers() and boot(lab_host) not in ("", before))
    lab_host.wait_ready()


def boot(host: LabHost) -> str:
    return host.run("cat /proc/sys/kernel/random/boot_id").stdout


def test_cut_host_is_not_reached_until_mended(lab_host: LabHost) -> None:
    lab_host.cut()
    assert not lab_host.answers()
    lab_host.mend()
    assert comes(lab_host.answers)


def test_shaped_host_is_slow_until_mended(lab_host: LabHost) -> None:
    lab_host.shape(8)
    shaped = seconds(lab_host)
    lab_host.mend()
    assert shaped > 1.5
    assert comes(lambda: seconds(lab_host) < 1.5)


def test_far_host_is_near_when_mended(lab: Lab, lab_host: LabHost) -> None:
    lab_host.delay(60)
    far = round_trip_ms(lab_host.address)
    faults, said = lab.faults(2), seconds(lab_host)
    lab_host.mend()
    assert 60 <= far < 120
    # Nothing is lost on a link that is long.
    assert faults == []
    assert said > 0.3
    assert comes(lambda: round_trip_ms(lab_host.address) < 20)


def seconds(host: LabHost) -> float:
    """How long two megabytes take."""
    begin = time.monotonic()
    assert len(host.run("head -c 2M /dev/zero").stdout) == 2 << 20
    return time.monotonic() - begin


def test_starved_host_kills_the_hog_and_lives(lab_host: LabHost) -> None:
    lab_host.starve(memory_mib=256)
    hog = "python3 -c 'x = bytearray(1 << 30)'; echo $?"
    starved = lab_host.run(hog)
    lab_host.feed()
    assert starved.stdout == "137\n"
    assert lab_host.run(hog).stdout == "0\n"


def test_starved_host_gets_its_share_of_a_core(lab_host: LabHost) -> None:
    lab_host.starve(cpu_percent=5)
    starved = lab_host.run(SPIN)
    held_back = throttled(lab_host)
    lab_host.feed()
    assert float(starved.stdout) > 12
    assert held_back > 50
    assert lab_host.run(SPIN).returncode == 0
    assert throttled(lab_host) - held_back < 5


def throttled(host: LabHost) -> int:
    """How often the kernel has held a host back: no other load of this machine does that."""
    files = [folder / "cpu.stat" for folder in host.group.folders()]
    lines = [line for file in files if file.exists() for line in file.read_text().splitlines()]
    return sum(int(line.split()[1]) for line in lines if line.startswith("nr_throttled "))


def test_confined_folder_fills_up(lab_host: LabHost) -> None:
    lab_host.run("mkdir -p /srv/space && touch /srv/space/below")
    lab_host.confine("/srv/space", 16)
    lab_host.fill("/srv/space", 4)
    full = lab_host.run("head -c 6M /dev/zero > /srv/space/file")
    assert "No space left on device" in full.stderr
    lab_host.release("/srv/space")
    assert lab_host.run("ls /srv/space").stdout == "below\n"


def test_disk_of_this_machine_is_never_filled(lab_host: LabHost) -> None:
    with pytest.raises(LabError, match=r"-1: .*: was refused"):
        lab_host.fill("/srv", 4)


def test_down_keeps_disks_and_destroy_nothing(lab: Lab) -> None:
    second = Lab(f"{lab.name}x")
    second.up(1)
    bridge = second.network.bridge
    second.hosts[0].run("echo kept > /root/file")
    assert remains(second.name)
    assert links(bridge) == [bridge, f"{bridge}-1"]

    assert changed(deploy(f"name={second.name}", "lab=down")) == 1
    assert changed(deploy(f"name={second.name}", "lab=down")) == 0
    assert remains(second.name) == [str(second.folder)]
    assert links(bridge) == []

    second.up(1)
    assert second.hosts[0].run("cat /root/file").stdout == "kept\n"

    second.destroy()
    assert remains(second.name) == []
    assert links(bridge) == []
    assert second.destroy() == []
