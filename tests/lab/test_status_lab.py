"""What runs leave on the control machine, and what the fleet is found to run."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.lab.site import KEY, Site, current, sessions, transaction

pytestmark = pytest.mark.lab


def _reports(site: Site, deploy: str) -> list[Any]:
    """Return the reports of a deploy, the oldest first."""
    paths = sorted((site.folder / "reports/site").glob(f"*-{deploy}-*.json"))
    return [json.loads(path.read_text()) for path in paths]


def _status(site: Site) -> dict[str, Any]:
    """Return each host as the status finds it, by name; the page was written beside it."""
    file = site.folder / "status.json"
    told = ("--data", f"status={file}", "--data", f"page={site.folder / 'page.html'}")
    done = site.run("status", *told)
    assert file.is_file(), done.said
    return {host["name"]: host for host in json.loads(file.read_text())["hosts"]}


def test_run_left_its_report(site: Site) -> None:
    host, idle = site.hosts
    planned, done = _reports(site, "main")
    assert (planned["outcome"], done["outcome"]) == ("planned", "done")
    assert done["seconds"] > 0
    steps = done["hosts"][host.name]["steps"]
    assert (steps[0]["name"], steps[0]["result"]) == ("Install packages", "unchanged")
    assert steps[-1]["name"] == f"Activate chat {current(host)}"
    (said,) = steps[-1]["said"]
    assert said.startswith(f"{current(host)} serves on port 8000, ")
    assert "answers right" in said
    assert done["hosts"][idle.name]["steps"][0]["name"] == "Install packages"
    assert done["hosts"][idle.name]["result"] == "done"


def test_status_is_one_command_a_host(site: Site) -> None:
    checked = site.run("check", "--limit", site.hosts[0].name)
    assert checked.code == 0, checked.said
    before = [sessions(host) for host in site.hosts]
    found = _status(site)
    after = [sessions(host) for host in site.hosts]
    # One is the run's, one is the question of how many there were.
    assert [b - a for a, b in zip(before, after, strict=True)] == [2, 2]
    host = found[site.hosts[0].name]
    assert host["state"] == "well", host
    (one,) = host["instances"]
    assert one["serves"]
    assert one["release"] == one["wanted"] == current(site.hosts[0])
    assert one["since"] == transaction(site.hosts[0])["ended"]
    assert (one["checks"]["right"], one["checks"]["older"]) == (one["checks"]["of"], False)
    assert {answer["kind"] for answer in one["checks"]["answers"]} >= {"text", "image", "video"}
    assert all(answer["latency_s"] > 0 for answer in one["checks"]["answers"])
    assert (found[site.hosts[1].name]["state"], found[site.hosts[1].name]["instances"]) == (
        "well",
        [],
    )


def test_failed_run_carries_the_diagnosis(site: Site) -> None:
    host, before = site.hosts[0], current(site.hosts[0])
    site.want("(_instance(extra=('--hf-overrides', '{\"architectures\": [\"Nobody\"]}')),)")
    failed = site.run("main", "--limit", host.name)
    assert failed.code == 1
    report = _reports(site, "main")[-1]
    assert (report["outcome"], report["hosts"][host.name]["result"]) == ("failed", "failed")
    step = report["hosts"][host.name]["steps"][-1]
    assert (step["name"].split()[0], step["result"]) == ("Activate", "failed")
    said = "\n".join(step["said"])
    assert "failed: it did not become ready" in said
    assert "Nobody" in said
    assert f"state: {before} serves again and answers right" in said
    found = _status(site)[host.name]
    assert found["state"] == "look"
    (one,) = found["instances"]
    assert (one["release"], one["serves"]) == (before, True)
    assert one["look"][0] == f"the inventory wants {one['wanted']}"
    assert "ended with 'rolled back': " in one["look"][1]
    text = (site.folder / "page.html").read_text()
    assert "serves again and answers right" in text


def test_drift_and_silence(site: Site) -> None:
    """A file that a hand changed is named; a host that nobody reaches hides no other."""
    host, gone = site.hosts
    site.want("(_instance(),)")
    unit = "/etc/systemd/system/metalserve-vllm@.service"
    host.run(f"chmod 600 {unit}")
    gone.cut()
    try:
        found = _status(site)
    finally:
        gone.mend()
        host.run(f"chmod 644 {unit}")
    assert found[host.name]["drift"] == {"prepare": [f"{unit} has another mode"]}
    assert found[host.name]["state"] == "look"
    assert found[host.name]["instances"][0]["serves"]
    assert (found[gone.name]["state"], found[gone.name]["answers"]) == ("unknown", False)
    assert "ould not connect" in found[gone.name]["unknown"][0]
    text = (site.folder / "page.html").read_text()
    assert f"{unit} has another mode" in text


def test_secret_is_in_no_report(site: Site) -> None:
    kept = [path for path in Path(site.folder).rglob("*") if path.is_file()]
    assert len([path for path in kept if "reports" in path.parts]) >= 4
    assert [path for path in kept if KEY in path.read_text()] == []
