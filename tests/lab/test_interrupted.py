"""Whatever dies in the middle of an activation, one of the two releases answers afterwards."""

import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

import pytest

from roles.lab import LabHost
from tests.lab.site import Site, current, transaction
from tests.lab.waiting import AT_MOST_S, comes

pytestmark = pytest.mark.lab

FORWARD = ["begin", "drain", "swap", "restart", "ask", "commit"]
BACK = ["mark bad", "swap back", "restart back", "ask back"]

SLOW = '\'--hf-overrides\', \'{"standin": {"start_s": 2, "answer_s": 0.05}}\''
WRONG = '\'--hf-overrides\', \'{"standin": {"answer": "no"}}\''

_seeds = iter(range(100, 1000))


def fresh(*extra: str) -> str:
    """Return an instance that was never deployed before."""
    words = ", ".join([f"'--seed', '{next(_seeds)}'", *extra])
    return f"(_instance(extra=({words})),)"


@pytest.fixture
def served(site: Site) -> str:
    """A release that serves on the first host: what the test before left."""
    assert site.answers(site.hosts[0])
    return current(site.hosts[0])


def came_to(host: LabHost, at: str, *, served: str) -> bool:
    """Say whether the activation that goes from ``served`` to another release came to a step."""
    record = transaction(host)
    steps = [step["step"] for step in record["steps"]]
    going = record["outcome"] in (None, "committed") and record["release"] != served
    return going and at in steps


def settled(host: LabHost) -> bool:
    """Say whether the last activation came to an end."""
    return bool(transaction(host)["outcome"])


@pytest.mark.parametrize("at", FORWARD)
def test_controller_killed(site: Site, served: str, at: str) -> None:
    host = site.hosts[0]
    site.want(fresh(SLOW))
    with site.start("main", "--limit", host.name) as run:
        assert comes(lambda: came_to(host, at, served=served))
        os.killpg(run.pid, signal.SIGKILL)
    # Nobody watches, and the job comes to its end all the same.
    assert comes(lambda: settled(host) and current(host) != served)
    assert transaction(host)["outcome"] == "committed"
    assert site.answers(host)
    again = site.run("main", "--limit", host.name)
    assert again.code == 0, again.said
    assert "takes over the lock" in again.said or "No changes" in again.said


def test_connection_cut(site: Site, served: str) -> None:
    host = site.hosts[0]
    site.want(fresh("'--hf-overrides', '{\"standin\": {\"start_s\": 8}}'"))
    with site.start("main", "--limit", host.name) as run:
        assert comes(lambda: came_to(host, "restart", served=served))
        host.cut()
        time.sleep(5)
        host.mend()
        out, err = run.communicate(timeout=AT_MOST_S)
    assert run.returncode == 0, out + err
    assert current(host) != served
    assert site.answers(host)


def test_job_killed(site: Site, served: str) -> None:
    host = site.hosts[0]
    # It is told to end long before it is ready.
    site.want(fresh("'--hf-overrides', '{\"standin\": {\"start_s\": 120}}'"))
    with site.start("main", "--limit", host.name) as run:
        assert comes(lambda: came_to(host, "restart", served=served))
        host.run("systemctl kill -s KILL metalserve-job-activate-chat")
        out, err = run.communicate(timeout=AT_MOST_S)
    assert run.returncode == 1, out + err
    assert f"state: {served} serves again and answers right" in out + err
    assert current(host) == served
    assert site.answers(host)


def test_disk_full_in_the_middle(site: Site, served: str) -> None:
    """The journal cannot be written any more once the new release is starting."""
    host = site.hosts[0]
    folder = "/var/lib/metalserve/transactions"
    host.run(f"cp -a {folder} /root/kept")
    host.confine(folder, 1)
    host.run(f"cp -a /root/kept/. {folder}/")
    try:
        site.want(fresh("'--hf-overrides', '{\"standin\": {\"start_s\": 10}}'"))
        with site.start("main", "--limit", host.name) as run:
            assert comes(lambda: came_to(host, "restart", served=served))
            host.run(f"dd if=/dev/zero of={folder}/fill bs=1k status=none")
            out, err = run.communicate(timeout=AT_MOST_S)
    finally:
        host.release(folder)
    assert run.returncode == 1, out + err
    assert "No space left on device" in out + err
    assert f"state: {served} serves again and answers right" in out + err
    assert current(host) == served
    assert site.answers(host)
    # The disk was at fault, not the release.
    bad = host.run("ls /var/lib/metalserve/bad/chat").stdout.split()
    failed = re.findall(r"(\S+) failed: ", out + err)
    assert failed
    assert f"{failed[0]}.json" not in bad


def paused(site: Site, at: str) -> None:
    """Activate what is staged on the first host, and stand still at a step of the journal."""
    host = site.hosts[0]
    root = Path(host.disk.root)
    shutil.copy(Path(__file__).with_name("paused_activate.py"), root / "root")
    staged = site.run("stage", "--limit", host.name)
    assert staged.code == 0, staged.said
    release = host.run("ls -t /opt/metalserve/releases/chat | head -n 1").stdout.strip()
    secrets = Path(host.run("readlink /opt/metalserve/instances/chat/secrets").stdout.strip()).name
    plan = (
        f'{{"instance": "chat", "release": "{release}", "from": "{current(host)}",'
        f' "secrets": "{secrets}",'
        ' "drain_within_s": 5, "who": "test"}'
    )
    job = "/var/lib/metalserve/jobs/paused"
    done = host.run(
        f"rm -f /root/paused; mkdir -p {job} && echo '{plan}' > {job}/plan.json && systemd-run"
        f" --quiet --collect python3 /root/paused_activate.py '{at}' {job}"
    )
    assert done.returncode == 0, done.stderr
    assert comes(lambda: (root / "root/paused").exists()), f"never came to {at}"


@pytest.mark.parametrize("at", [*FORWARD, *BACK])
def test_power_lost(site: Site, served: str, at: str) -> None:
    host = site.hosts[0]
    site.want(fresh() if at in FORWARD else fresh(WRONG))
    paused(site, at)
    host.crash()
    host.start()
    assert current(host) == served
    assert comes(lambda: site.answers(host))
    record = transaction(host)
    assert record["outcome"] == "restored at boot"
    assert record["why"] == f"the host went down at step {at}"

    site.want(fresh())
    again = site.run("main", "--limit", host.name)
    assert again.code == 0, again.said
    assert current(host) not in ("", served)
    assert site.answers(host)


def test_installer_survives_the_loss_of_its_watcher(site: Site) -> None:
    """A run that comes while the job of a killed one is at work attaches to it."""
    host = site.hosts[0]
    scripts = host.run("readlink /opt/metalserve/hostside").stdout.strip()
    script = Path(host.disk.root) / scripts.lstrip("/") / "slow.py"
    script.write_text(
        "import os, sys, time, jobs, progress\n"
        "said = progress.Progress(sys.argv[1])\n"
        "for n in range(5000):\n"
        "    said.say('counting', n << 20, 5000 << 20)\n"
        "    time.sleep(0.1)\n"
        "    if os.path.exists('/root/enough'):\n"
        "        break\n"
        "jobs.finish(sys.argv[1], {'ok': True, 'summary': 'counted'})\n"
    )
    command = "echo '{}' | python3 /opt/metalserve/hostside/jobs.py run slow slow"
    with watching(host, f"{command} first") as first:
        assert first.stdout
        assert first.stdout.readline().startswith("counting: ")
        first.kill()
    with watching(host, f"{command} second") as second:
        assert second.stdout
        lines = [second.stdout.readline(), second.stdout.readline()]
        (Path(host.disk.root) / "root/enough").touch()
        lines += second.stdout.readlines()
    script.unlink()
    assert second.returncode == 0
    assert lines[0].startswith("attached to slow, at work since ")
    assert any(line.startswith("counting: ") and line.endswith(" left\n") for line in lines)
    assert lines[-1] == "counted\n"


def watching(host: LabHost, command: str) -> "subprocess.Popen[str]":
    """Run a command on a host, and return at once."""
    return subprocess.Popen(
        ["ssh", "-F", "none", "-i", str(host.key), "-o", f"UserKnownHostsFile={host.known_hosts}",
         f"root@{host.address}", command],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
