"""
The story of each deploy file, told to hosts that are not there. ``plan.txt`` is the whole of it:
its diff is the review of a change to a deploy.
"""

import ast
import json
import os
import re
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
HERE = Path(__file__).parent
FLEET = "tests/deploy/fleet.py"
KEY = "sesame-sesame-sesame"
_ASKED = '{{"weights_root": "/srv/metalserve/weights", "accelerator": "{}"}}'
_COMMAND = re.compile(r"\[fake\] simulating command on @fake/(\w+): (.*)")
_DIGEST = re.compile(r"\b[0-9a-f]{12}\b")
_OURS = re.compile(
    r"(?:- (?=take)|' (?=release|layout))(\w+)|hostside/(\w+)\.py(?: run)?([ \w.-]*)"
)
_RUN = re.compile(r" [0-9a-f]{32}$")


def probe_of(accelerator: str) -> str:
    """Return the one command that a host is asked with."""
    return f"/usr/bin/python3 -I -S - '{_ASKED.format(accelerator)}' || echo 'no probe'"


PROBE = probe_of("cpu")


@dataclass(frozen=True)
class Ran:
    """How pyinfra ended, what it said, and what each host was told."""

    code: int
    out: str
    said: str
    report: Any

    @property
    def json(self) -> Any:
        """What it tells programs."""
        return json.loads(self.out)

    def commands(self, host: str) -> list[str]:
        """Return the first line of each command that a host was told."""
        return [words for name, words in _COMMAND.findall(self.said) if name == host]

    def changes(self, host: str) -> list[str]:
        """Return what a host was told of ours, in short."""
        found = []
        for words in self.commands(host):
            if ran := _OURS.search(words):
                alone, script, rest = ran.groups()
                found.append(alone or f"{script}{rest}")
        return [_DIGEST.sub("…", _RUN.sub("", words)) for words in found]


def _pyinfra(*words: str) -> Ran:
    pyinfra = str(Path(sys.executable).with_name("pyinfra"))
    with tempfile.TemporaryDirectory() as reports:
        ended = subprocess.run(
            [pyinfra, "--json", "--data", f"reports={reports}", *words],
            cwd=ROOT,
            env=os.environ | {"METALSERVE_API_KEY": KEY, "PYINFRA_PROGRESS": "off"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        told = [path.read_text() for path in Path(reports).iterdir()]
    assert KEY not in ended.stdout + ended.stderr + "".join(told)
    report = json.loads(told[0]) if told else None
    return Ran(ended.returncode, ended.stdout, ended.stderr, report)


def _short(hosts: list[str]) -> str:
    return " ".join(host.removeprefix("@fake/") for host in hosts) or "no host"


def test_plan() -> None:
    """
    Steps, and whom each one changes. A step has several names where hosts differ: pyinfra knows
    steps by their line of code.
    """
    ran = _pyinfra("--dry", "--limit", "plan", FLEET, "deploy/main.py")
    assert ran.code == 0, ran.said
    lines = []
    for step in ran.json["plan"]:
        lines += [_DIGEST.sub("…", name) for name in step["names"]]
        lines += [f"    {_short(step['hosts_with_change'])}"]
        assert step["hosts_with_conditional_change"] == []
    assert lines == (HERE / "plan.txt").read_text().splitlines()
    assert "drift in prepare: /of/prepare is missing" in ran.said
    assert ran.report["outcome"] == "planned"


@pytest.fixture(scope="module")
def deployed() -> Ran:
    """All of the plan, done."""
    ran = _pyinfra("-y", "--debug", "--limit", "plan", FLEET, "deploy/main.py")
    assert ran.code == 0, ran.said
    return ran


def test_converged_host_is_asked_once_and_left_alone(deployed: Ran) -> None:
    assert deployed.commands("converged") == [PROBE]
    for step in deployed.json["results"]["operations"]:
        assert "@fake/converged" not in (*step["success"], *step["error"])


def test_each_host_and_step_is_reported(deployed: Ran) -> None:
    """By the host's own name of the step, where pyinfra has one of all hosts."""
    hosts = deployed.report["hosts"]
    assert deployed.report["outcome"] == "done"
    assert {name.removeprefix("@fake/"): one["result"] for name, one in hosts.items()} == {
        "bare": "done", "converged": "unchanged", "drift": "done", "two": "done", "idle": "done",
        "front": "done",
    }  # fmt: skip
    names = [_DIGEST.sub("…", step["name"]) for step in hosts["@fake/two"]["steps"]]
    assert names[-4:] == [
        "Stage draw vllm-0.32-cpu-…",
        "Stage chat vllm-0.32-cpu-…",
        "Look for instances that no spec wants",
        "Activate chat vllm-0.32-cpu-…, draw vllm-0.32-cpu-…, chat vllm-0.32-cpu-…",
    ]
    assert all(step["seconds"] >= 0 for one in hosts.values() for step in one["steps"])


@pytest.mark.parametrize(
    ("host", "changes"),
    [
        (
            "bare",
            [
                *("take", "layout"),
                *("jobs install-vllm-0.32-cpu-… install", "jobs weights-canary-… fetch", "stage"),
                *("jobs activate-chat activate", "release"),
            ],
        ),
        (
            "drift",
            ["take", "layout", "jobs weights-canary-… fetch", "release"],
        ),
        ("idle", ["take", "layout", "release"]),
        (
            "front",
            [
                *("take", "layout"),
                *("jobs install-vllm-0.32-cpu-… install", "jobs weights-canary-… fetch", "stage"),
                *("jobs activate-chat activate", "gateway serve", "release"),
            ],
        ),
        (
            "two",
            [
                *("take", "layout"),
                *("jobs install-vllm-0.32-cpu-… install", "jobs weights-canary-… fetch"),
                *("stage", "stage", "jobs activate-draw activate", "jobs activate-chat activate"),
                "release",
            ],
        ),
    ],
)
def test_what_a_host_is_told(deployed: Ran, host: str, changes: list[str]) -> None:
    """In the spec's order, under one lock from the first change to the last."""
    assert deployed.changes(host) == changes
    assert deployed.commands(host)[0] == PROBE
    assert deployed.commands(host).count(PROBE) == 1


def test_each_host_gets_its_own_users(deployed: Ran) -> None:
    """Steps that share a line of code share a name; what is run is each host's own."""
    recover, vllm = "metalserve-recover.service", "metalserve-vllm@.service"
    for host, named in {
        "bare": ["metalserve-chat", recover, vllm],
        "two": ["metalserve-draw", "metalserve-chat", recover, vllm],
        "idle": [recover],
    }.items():
        steps = [step["name"] for step in deployed.report["hosts"][f"@fake/{host}"]["steps"]]
        assert f"Lay out folders, scripts, {', '.join(named)}" in steps


def test_refused() -> None:
    """One host is enough: every reason of every host, and no change on any."""
    ran = _pyinfra("-y", "--debug", "--limit", "refused", FLEET, "deploy/main.py")
    assert (ran.code, ran.out) == (1, "")
    told = ran.said.partition("refused, nothing was changed on any host\n")[2]
    assert [line for line in told.splitlines() if line.startswith("  @fake/")] == [
        "  @fake/busy/instances/chat/port: found 8000 is held by nginx.service (pid 1), "
        "wanted a free port; stop it there, or give the instance another port [port]",
        "  @fake/keyless/instances/chat/api_key: found the environment variable "
        "METALSERVE_TEST_NO_KEY holds no secret on this machine, wanted a secret of 16 or more "
        "printable characters; put it there and run again [secret]",
        "  @fake/old/system: found systemd 240, wanted 247 or newer as the first process; "
        "use an OS of 2021 or later, booted with systemd [systemd]",
        "  @fake/old/system: found user id 1000, wanted root; "
        "connect as root, or run pyinfra with --sudo [not-root]",
        "  @fake/silent/python: found /usr/bin/python3: no answer of the probe "
        "(bash: /usr/bin/python3: No such file or directory; no probe), wanted Python 3.8 or "
        "newer; install one, or name the one there in the host's python [python]",
    ]
    hosts = ran.report["hosts"]
    for host in ("right", "old", "busy", "silent", "keyless"):
        assert ran.commands(host) == [PROBE]
        wanted = "not begun" if host == "right" else "refused"
        assert hosts[f"@fake/{host}"]["result"] == wanted
    assert (ran.report["outcome"], len(hosts["@fake/old"]["reasons"])) == ("refused", 2)
    assert ran.report["error"].startswith("refused, nothing was changed on any host")


def test_roll_back() -> None:
    """Who can goes back; who has nothing to go back to is told, and not failed."""
    ran = _pyinfra("-y", "--debug", "--limit", "back", FLEET, "deploy/rollback.py")
    results = ran.json["results"]
    assert (ran.code, [step["name"] for step in results["operations"]]) == (
        0,
        ["Roll back | Roll back chat vllm-0.32-cpu-000000000000"],
    ), ran.said
    assert results["operations"][0]["success"] == ["@fake/good"]
    assert ran.changes("good") == ["take", "jobs activate-chat activate", "release"]
    for host, said in {
        "good": r"chat goes back from vllm-0\.32-cpu-[0-9a-f]{12}, to vllm-0\.32-cpu-0{12}",
        "first": r"stays as it is: chat has no release before vllm-0\.32-cpu-[0-9a-f]{12}",
        "none": "stays as it is: chat has no release",
    }.items():
        assert len(re.findall(rf"@fake/{host}\] {said}", ran.said)) == 1, host
    for host in ("first", "none"):
        assert ran.commands(host) == [PROBE]


def test_roll_back_that_one_host_cannot() -> None:
    """Nothing is done on any, with the words that would leave that one out."""
    groups = ["--limit", "back", "--limit", "not_back"]
    ran = _pyinfra("-y", "--debug", *groups, FLEET, "deploy/rollback.py")
    assert ran.code == 1
    assert "refused, nothing was changed on any host" in ran.said
    for host, reason in {
        "bad": r"chat serves \S+ and cannot go back: vllm-0\.32-cpu-0{12} is marked bad: "
        r"sum: answered '5'; set the inventory to a release that can serve, and run",
        "mute": r"what chat runs is not known: .*no answer of the probe \(no probe\)",
    }.items():
        assert re.search(rf"@fake/{host}: {reason}", ran.said), host
    assert "the others alone: --exclude @fake/bad --exclude @fake/mute" in ran.said
    for host in ("good", "first", "none", "bad", "mute"):
        assert ran.commands(host) == [PROBE]
    assert ran.report["outcome"] == "refused"


def test_roll_back_after_half_an_upgrade() -> None:
    """Which one to leave has to be said; what an upgrade did not come to stays."""
    words = ["-y", "--debug", "--limit", "half"]
    ran = _pyinfra(*words, FLEET, "deploy/rollback.py")
    assert ran.code == 1
    assert "canary is served by different releases: some would go further back" in ran.said
    [leave] = set(re.findall(r"--data (leave=vllm-0\.32-cpu-[0-9a-f]{12})", ran.said))
    for host in ("upgraded", "untouched"):
        assert ran.commands(host) == [PROBE]

    ran = _pyinfra(*words, "--data", leave, FLEET, "deploy/rollback.py")
    assert ran.code == 0, ran.said
    assert ran.changes("upgraded") == ["take", "jobs activate-chat activate", "release"]
    assert ran.commands("untouched") == [PROBE]
    before = "vllm-0.32-cpu-000000000000"
    assert f"stays as it is: chat serves {before}, which is not to be left" in ran.said


@pytest.mark.parametrize(
    ("deploy", "words", "said"),
    [
        ("quarantine", ["--data", "why=x"], "a quarantine is for hosts that are named"),
        ("quarantine", ["--limit", "plan"], 'why is missing, --data why="a fan is loud" is right'),
        (
            "decommission",
            ["--exclude", "@fake/bare"],
            "decommissioning is for hosts that are named",
        ),
    ],
)
def test_no_fleet_by_a_slip(deploy: str, words: list[str], said: str) -> None:
    """Neither all of it, nor all but what was excluded."""
    ran = _pyinfra("-y", "--debug", *words, FLEET, f"deploy/{deploy}.py")
    assert ran.code == 1
    assert said in ran.said
    assert "nothing was changed on any host" in ran.said
    assert _COMMAND.findall(ran.said) == []


def test_decommission() -> None:
    ran = _pyinfra("-y", "--debug", "--limit", "@fake/converged", FLEET, "deploy/decommission.py")
    assert ran.code == 0, ran.said
    assert ran.changes("converged") == ["layout", "jobs decommission decommission", "release"]
    finish, release = ran.commands("converged")[-2:]
    assert finish.split()[1:3] == ["-", "finish"]
    assert " release " in release
    assert "user       metalserve-chat" in ran.said
    assert "take @fake/converged out of the inventory" in ran.said


def test_status(tmp_path: Path) -> None:
    """One command a host, whatever it answers; nothing is changed, and no report is left."""
    page, file = tmp_path / "page.html", tmp_path / "status.json"
    words = ["-y", "--debug", "--data", f"page={page}", "--data", f"status={file}"]
    names = ("plan", "refused", "back", "not_back", "half")
    groups = [word for name in names for word in ("--limit", name)]
    ran = _pyinfra(*words, *groups, FLEET, "deploy/status.py")
    assert (ran.code, ran.report) == (0, None), ran.said
    fleet = json.loads(file.read_text())
    states = {one["name"].removeprefix("@fake/"): one["state"] for one in fleet["hosts"]}
    assert states == {
        **dict.fromkeys(("bare", "two", "front", "right", "old", "busy", "keyless"), "wrong"),
        "none": "wrong",
        **dict.fromkeys(("silent", "mute"), "unknown"),
        **dict.fromkeys(("drift", "untouched"), "look"),
        **dict.fromkeys(("converged", "idle", "good", "first", "bad", "upgraded"), "well"),
    }
    for host in states:
        assert ran.commands(host) == [PROBE]
        assert f"@fake/{host}" in page.read_text()
        assert f"@fake/{host} " in ran.said
    assert "drift in prepare: /of/prepare is missing" in ran.said
    assert fleet["left_out"] == 0
    assert ran.json["results"]["operations"] == []


def test_status_of_hosts_that_nobody_reaches(tmp_path: Path) -> None:
    """Of a fleet of which nobody answers, too: that is when it is asked for."""
    inventory, file = tmp_path / "gone.py", tmp_path / "status.json"
    inventory.write_text('gone = [("gone", {"ssh_hostname": "127.0.0.1", "ssh_port": 1})]')
    ran = _pyinfra("-y", "--data", f"status={file}", str(inventory), "deploy/status.py")
    assert ran.code == 1
    (host,) = json.loads(file.read_text())["hosts"]
    assert (host["name"], host["state"]) == ("gone", "unknown")
    assert "Unable to connect to port 1 on 127.0.0.1" in host["unknown"][0]
    assert "Unable to connect" in ran.said


@pytest.mark.parametrize(
    "file", sorted((ROOT / "deploy").glob("*.py")), ids=lambda file: str(file.name)
)
def test_deploy_file_is_a_page(file: Path) -> None:
    """Short, with a sentence that says what it is for."""
    text = file.read_text()
    assert len(text.splitlines()) <= 25
    assert (ast.get_docstring(ast.parse(text)) or "").splitlines()[0].endswith(".")
