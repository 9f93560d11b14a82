"""What cannot work is refused or undone, with a message, and the serving release never notices."""

import json
import time
from pathlib import Path

import pytest

from roles.lab import LabHost
from tests.lab.site import Site, current

pytestmark = pytest.mark.lab

_seeds = iter(range(1000, 2000))


def fresh(**changed: object) -> str:
    """Return an instance that was never deployed before."""
    words = "".join(f", {name}={value!r}" for name, value in changed.items())
    return f"(_instance(extra=('--seed', '{next(_seeds)}'){words}),)"


def started(host: LabHost) -> str:
    """Return since when the server's process runs."""
    asked = "systemctl show -P ExecMainStartTimestampMonotonic metalserve-vllm@chat"
    return host.run(asked).stdout.strip()


def test_disk_too_small_for_weights(site: Site) -> None:
    host = site.hosts[0]
    before, since = current(host), started(host)
    host.confine("/srv/small", 1)
    try:
        text = site.inventory.read_text()
        site.inventory.write_text(text.replace("packages=_packages)", "packages=_packages, "
                                               "weights_root='/srv/small')"))  # fmt: skip
        done = site.run("main", "--limit", host.name)
    finally:
        host.release("/srv/small")
    assert done.code == 1
    assert f"{host.name}/disks/srv/small: found 0.0 GiB free, wanted" in done.said
    assert "free some, or put it on a larger disk [disk]" in done.said
    assert (current(host), started(host)) == (before, since)


def test_disk_full_while_staging(site: Site) -> None:
    """The disk fills up after preflight looked: the stage fails, what serves goes on."""
    host = site.hosts[0]
    before, since = current(host), started(host)
    host.run("mkdir -p /root/kept && cp -a /opt/metalserve/releases/. /root/kept/")
    host.confine("/opt/metalserve/releases", 1)
    try:
        host.run("cp -a /root/kept/. /opt/metalserve/releases/")
        host.run("dd if=/dev/zero of=/opt/metalserve/releases/.fill bs=1k status=none")
        site.want(fresh())
        done = site.run("main", "--limit", host.name)
    finally:
        host.release("/opt/metalserve/releases")
    assert done.code == 1
    assert "No space left on device" in done.said
    assert "nothing that serves was touched" in done.said
    assert (current(host), started(host)) == (before, since)
    assert site.answers(host)
    again = site.run("main", "--limit", host.name)
    assert again.code == 0, again.said


def test_flipped_byte_is_found_and_mended(site: Site) -> None:
    host = site.hosts[0]
    since = started(host)
    found = host.run("find /srv/metalserve/weights -name model.safetensors").stdout.split()
    path = found[0]
    host.run(f"printf X | dd of={path} bs=1 seek=5000 conv=notrunc status=none")
    done = site.run("main", "--limit", host.name)
    assert done.code == 0, done.said
    assert f"{path} has another" in done.said
    assert "1 of " in done.said
    assert started(host) == since
    assert site.answers(host)


def test_damaged_source_is_refused(site: Site, tmp_path: Path) -> None:
    host = site.hosts[0]
    before, since = current(host), started(host)
    host.run(
        "rm -rf /srv/mount && cp -r $(dirname $(find /srv/metalserve/weights -name config.json))"
        " /srv/mount && printf X | dd of=/srv/mount/model.safetensors bs=1 seek=5000"
        " conv=notrunc status=none && rm -rf /srv/elsewhere"
    )
    site.want(fresh())
    text = site.inventory.read_text()
    text = text.replace(
        "weights=canary.WEIGHTS,",
        "weights=canary.WEIGHTS.model_copy(update={'sources': (HostFolder(path='/srv/mount'),)}),",
    ).replace("packages=_packages)", "packages=_packages, weights_root='/srv/elsewhere')")
    site.inventory.write_text(text)
    done = site.run("main", "--limit", host.name)
    assert done.code == 1
    assert "/srv/mount/model.safetensors has sha256" in done.said
    assert "the source is damaged or another revision, replace that file there" in done.said
    assert "nothing that serves was touched" in done.said
    assert host.run("find /srv/elsewhere -name model.safetensors").stdout == ""
    assert (current(host), started(host)) == (before, since)


def test_port_taken(site: Site) -> None:
    host = site.hosts[0]
    before, since = current(host), started(host)
    host.run("systemd-run --quiet --unit squatter python3 -m http.server 8007 --bind 127.0.0.1")
    try:
        site.want(fresh(port=8007))
        done = site.run("main", "--limit", host.name)
    finally:
        host.run("systemctl stop squatter")
    assert done.code == 1
    assert (
        f"{host.name}/instances/chat/port: found 8007 is held by squatter.service (pid" in done.said
    )
    assert "stop it there, or give the instance another port [port]" in done.said
    assert (current(host), started(host)) == (before, since)


def test_port_taken_after_preflight(site: Site) -> None:
    """An engine that shares ports would start beside the other process; we look before it does."""
    host = site.hosts[0]
    site.want(fresh())
    assert site.run("main", "--limit", host.name).code == 0
    before, since = current(host), started(host)
    site.want(fresh(port=8008))
    assert site.run("stage", "--limit", host.name).code == 0
    release = host.run("ls -t /opt/metalserve/releases/chat | head -n 1").stdout.strip()
    plan = {
        "instance": "chat", "release": release, "from": before, "secrets": None,
        "drain_within_s": 1, "who": "test",
    }  # fmt: skip
    host.run("systemd-run --quiet --unit squatter python3 -m http.server 8008 --bind 127.0.0.1")
    try:
        command = "python3 /opt/metalserve/hostside/jobs.py run activate-chat activate test"
        done = host.run(f"echo '{json.dumps(plan)}' | {command}")
    finally:
        host.run("systemctl stop squatter")
    assert done.returncode == 1
    assert "port 8008 is held by python3 (pid" in done.stdout
    assert "nothing was changed" in done.stdout
    assert (current(host), started(host)) == (before, since)
    # The release is not to blame.
    assert f"{release}.json" not in host.run("ls /var/lib/metalserve/bad/chat").stdout


def test_second_operator_is_told_who_holds_the_lock(site: Site) -> None:
    host = site.hosts[0]
    owner = {
        "run": "0ddba11", "who": "alice@elsewhere", "machine": "another", "pid": 1, "started": 1,
        "since": time.time() - 2.46 * 3600,
    }  # fmt: skip
    lock = Path(host.disk.root) / "var/lib/metalserve/lock.json"
    lock.write_text(json.dumps(owner))
    before = current(host)
    site.want(fresh())
    done = site.run("main", "--limit", host.name)
    assert done.code == 1
    assert "this host is locked by alice@elsewhere (run 0ddba11) since 20" in done.said
    assert "2.5 h ago; nothing was changed" in done.said
    assert "--data break_lock=0ddba11" in done.said
    assert current(host) == before

    broken = site.run("main", "--limit", host.name, "--data", "break_lock=0ddba11")
    assert broken.code == 0, broken.said
    assert not lock.exists()


def test_every_reason_of_every_host_at_once(site: Site) -> None:
    site.environment = {"TEST_API_KEY": "short"}
    for host in site.hosts:
        host.run("systemd-run --quiet --unit squatter python3 -m http.server 8009")
    try:
        site.want(fresh(port=8009), fresh(port=8009))
        done = site.run("main")
    finally:
        for host in site.hosts:
            host.run("systemctl stop squatter")
    assert done.code == 1
    assert "refused, nothing was changed on any host" in done.said
    for host in site.hosts:
        assert f"{host.name}/instances/chat/port: found 8009 is held by squatter" in done.said
        assert f"{host.name}/instances/chat/api_key: found the environment variable" in done.said
