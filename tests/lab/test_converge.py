"""A host comes to its spec once, and a run that changes nothing costs one command."""

import json
import re
from pathlib import Path

import pytest

from tests.lab.site import KEY, Site, changes, current, sessions

pytestmark = pytest.mark.lab


def test_bare_host_is_planned_whole(site: Site) -> None:
    assert site.planned
    assert site.planned.code == 0, site.planned.said
    steps = [step["name"].rsplit(" | ", 1)[1] for step in site.planned.report["plan"]]
    assert steps[0] == "Install packages"
    # pyinfra shows a step by the name that it has on one of the hosts, whichever.
    assert steps[1] in (
        "Lay out folders, scripts, metalserve-recover.service",
        "Lay out folders, scripts, metalserve-chat, metalserve-recover.service, "
        "metalserve-vllm@.service",
    )
    wanted = [
        r"Install standin-0.32-\w+",
        r"Bring canary \w+",
        r"Stage chat .*",
        r"Look for instances that no spec wants",
        r"Activate chat .*",
    ]
    for pattern, step in zip(wanted, steps[-5:], strict=True):
        assert re.fullmatch(pattern, step)
    assert site.planned.report["results"] is None


def test_serves_and_answers(site: Site) -> None:
    report = site.asked(site.hosts[0])
    assert {answer["kind"] for answer in report} == {"text", "stream", "image", "video", "error"}
    assert [answer for answer in report if not answer["passed"]] == []
    streamed = [answer for answer in report if answer["kind"] == "stream"]
    assert streamed[0]["first_token_s"] <= streamed[0]["latency_s"]


def test_second_run_is_one_command_a_host(site: Site) -> None:
    before = [sessions(host) for host in site.hosts]
    done = site.run("main")
    after = [sessions(host) for host in site.hosts]
    assert done.code == 0, done.said
    assert changes(done.report) == []
    assert done.report["results"]["operations"], "a run must say what it left alone"
    # One is the run's, one is the question of how many there were.
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 2]


def test_check_asks_from_outside(site: Site) -> None:
    done = site.run("check", "--limit", site.hosts[0].name)
    assert done.code == 0, done.said
    assert "WRONG" not in done.said
    assert "first token" in done.said


def test_drift_is_named_and_mended(site: Site) -> None:
    host = site.hosts[0]
    release = f"/opt/metalserve/releases/chat/{current(host)}"
    unit = "/etc/systemd/system/metalserve-vllm@.service"
    host.run(f"echo '# by hand' >> {release}/start; chmod 600 {unit}")
    done = site.run("main")
    assert done.code == 0, done.said
    assert f"drift in prepare: {unit} has another mode" in done.said
    assert f"drift in stage-chat: {release}/start has another sha256" in done.said
    assert "by hand" not in host.run(f"cat {release}/start").stdout
    assert changes(site.run("main").report) == []


def test_stopped_instance_is_started(site: Site) -> None:
    host = site.hosts[0]
    host.run("systemctl stop metalserve-vllm@chat")
    done = site.run("main")
    assert done.code == 0, done.said
    assert site.answers(host)


def test_starts_at_boot(site: Site) -> None:
    host = site.hosts[0]
    host.stop()
    host.start()
    assert host.run("systemctl is-active metalserve-vllm@chat").stdout.strip() == "active"
    assert site.answers(host)


def test_secret_is_nowhere(site: Site) -> None:
    host = site.hosts[0]
    site.want("(_instance(extra=('--seed', '7')),)")
    dry = site.run("main", "-vvv", "--dry", "--diff", "--debug-operations")
    done = site.run("main", "-vvv", "--diff", "--debug")
    assert done.code == 0, done.said
    checked = site.run("check", "-vvv", "--limit", host.name)
    for said in (dry.said, done.said, checked.said):
        assert KEY not in said
    seen = host.run("journalctl --no-pager -o export; ps -eo args; systemctl show '*'").stdout
    assert KEY not in seen
    # Whoever is not root finds it neither: every file that another user can read is searched.
    places = "/opt/metalserve /var/lib/metalserve /var/log /etc /run /tmp /srv /var/cache"
    (Path(host.disk.root) / "root/pattern").write_text(KEY)
    words = "/proc/[0-9]*/environ /proc/[0-9]*/cmdline"
    search = f"grep -rlsF -f - {places}"
    found = host.run(f"runuser -u nobody -- {search} {words} < /root/pattern")
    assert found.stdout == ""
    kept = host.run(f"{search} < /root/pattern").stdout.split()
    assert kept
    for path in kept:
        assert re.match(r"/var/lib/metalserve/secrets/|/run/credentials/", path), path


def test_server_demands_the_key(site: Site) -> None:
    url = "http://127.0.0.1:8000/v1/models"
    said = site.hosts[0].run(f"curl -s -o /dev/null -w '%{{http_code}}' {url}")
    assert said.stdout == "401"


def test_audit_says_who_and_what(site: Site) -> None:
    lines = site.hosts[0].run("cat /var/log/metalserve/audit.jsonl").stdout.splitlines()
    first = json.loads(lines[0])
    assert first["what"].startswith("activate chat standin-0.32-")
    assert first["result"] == "serves"
    assert "@" in first["who"]


def test_exposure(site: Site) -> None:
    said = site.hosts[0].run("systemd-analyze security metalserve-vllm@chat.service --no-pager")
    level = float(re.findall(r"exposure level for .*: ([\d.]+)", said.stdout)[0])
    assert level <= 3.0, said.stdout
