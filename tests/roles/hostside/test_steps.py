"""A driver comes onto a host step by step, and whatever is cut short is known afterwards."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import agent
import boot
import durable
import parting
import places
import progress
import pytest
import steps

from tests.roles.hostside.staged import UNIT, Host, names
from tests.roles.hostside.test_installer import brought, step


def _plan(*wanted: Any, **fields: Any) -> dict[str, Any]:
    right = {
        "name": "driver 580.95.05",
        "steps": list(wanted),
        "drain_within_s": {"chat": 0.0},
        "serving": [],
        "may_reboot": False,
    }
    return {**right, **fields}


def _shell(name: str, script: str, **fields: Any) -> Any:
    return step("sh", "-c", script, **{"name": name, **fields})


def _begun() -> list[str]:
    folder = Path(places.began("")).parent
    return names(folder) if folder.exists() else []


@pytest.fixture(autouse=True)
def boots(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The boot that the host is in, and every reboot that was begun."""
    begun: list[str] = ["boot-1"]
    monkeypatch.setattr(boot, "boot_id", lambda: begun[-1])

    def end() -> str:
        begun.append(f"boot-{len(begun) + 1}")
        return ""

    monkeypatch.setattr(boot, "end", end)
    return begun


def _run(tree: Path, *wanted: Any, **fields: Any) -> Any:
    (tree / "job").mkdir(exist_ok=True)
    return steps.Steps(_plan(*wanted, **fields), progress.Progress(str(tree / "job"))).run()


def test_steps_in_order(tree: Path) -> None:
    """Each with its marker on disk while its command runs."""
    look = f"ls {places.platform()}/began >> {tree}/seen"
    result = _run(tree, _shell("one", look), _shell("two", look))
    assert result == {"ok": True, "summary": "2 of 2 steps done"}
    assert (tree / "seen").read_text().split() == ["one.json", "two.json"]
    assert _begun() == []


def test_step_that_fails(tree: Path) -> None:
    """Those after it are not begun, and its marker stays."""
    result = _run(
        tree, _shell("one", "true"), _shell("two", "exit 1"), _shell("three", f"touch {tree}/ran")
    )
    first, *_, last = result["summary"].splitlines()
    assert not result["ok"]
    assert first.startswith("driver 580.95.05 is not ready: two ended with code 1; all that")
    assert last == "state: 1 of 3 steps done"
    assert _begun() == ["two.json"]
    assert durable.read_json(places.began("two"))["words"] == ["sh", "-c", "exit 1"]
    assert not (tree / "ran").exists()


def test_marker_of_another_plan_goes_with_the_last_step(tree: Path) -> None:
    durable.write_json(places.began("driver-570"), {})
    assert not _run(tree, _shell("driver-580", "exit 1"))["ok"]
    assert _begun() == ["driver-570.json", "driver-580.json"]
    assert _run(tree, _shell("driver-580", "true"))["ok"]
    assert _begun() == []


def test_marker_stays_while_a_reboot_is_to_come(tree: Path) -> None:
    """What comes after it may be cut short too, and was not done again yet."""
    durable.write_json(places.began("toolkit"), {})
    _run(tree, _shell("driver", "true", always_reboot=True))
    assert _begun() == ["toolkit.json"]


@pytest.mark.parametrize(
    ("script", "fields", "needed"),
    [
        ("echo Reboot needed for installation", {"reboot": ["Reboot needed"]}, True),
        ("echo takes effect immediately", {"reboot": ["Reboot needed"]}, False),
        ("true", {"always_reboot": True}, True),
        ("true", {}, False),
    ],
)
def test_reboot_that_is_not_allowed(
    script: str, fields: Any, needed: bool, tree: Path, boots: list[str]
) -> None:
    result = _run(tree, _shell("driver", script, **fields))
    why = "driver takes effect with a reboot"
    assert durable.read_json(places.reboot()) == (
        {"boot_id": "boot-1", "why": why} if needed else None
    )
    said = f"; a reboot is needed: {why}" if needed else ""
    assert result == {"ok": True, "summary": f"1 of 1 steps done{said}"}
    assert boots == ["boot-1"]


def test_reboot(tree: Path, boots: list[str]) -> None:
    two = [_shell(name, "true", always_reboot=True) for name in ("driver", "firmware")]
    result = _run(tree, *two, may_reboot=True)
    why = "driver takes effect with a reboot; firmware takes effect with a reboot"
    assert result == {
        "ok": True,
        "summary": f"2 of 2 steps done; rebooting now: {why}",
        "reboots": True,
    }
    assert boots == ["boot-1", "boot-2"]
    assert boot.pending() is None, "in the boot after it there is none to come"


def test_reboot_that_an_earlier_run_left(tree: Path, boots: list[str]) -> None:
    boot.need("driver takes effect with a reboot")
    assert _run(tree, may_reboot=True)["reboots"]
    assert boots == ["boot-1", "boot-2"]


def test_reboot_of_an_earlier_boot(tree: Path, boots: list[str]) -> None:
    boot.need("driver takes effect with a reboot")
    boots.append("boot-2")
    assert _run(tree, may_reboot=True) == {"ok": True, "summary": "0 of 0 steps done"}
    assert boots == ["boot-1", "boot-2"]


def test_no_reboot_after_a_failure(tree: Path, boots: list[str]) -> None:
    """A driver whose firmware is missing is not what anybody wants to boot."""
    result = _run(
        tree, _shell("driver", "true", always_reboot=True), _shell("firmware", "exit 1"),
        may_reboot=True,
    )  # fmt: skip
    assert not result["ok"]
    assert result["summary"].endswith(
        "state: 1 of 2 steps done; a reboot is needed: driver takes effect with a reboot"
    )
    assert boots == ["boot-1"]


def test_systemd_that_does_not_reboot(
    tree: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving()
    monkeypatch.setattr(boot, "end", lambda: "Access denied")
    result = _run(tree, _shell("driver", "true", always_reboot=True), may_reboot=True)
    assert result["summary"].splitlines() == [
        "driver 580.95.05 is not ready: systemd does not reboot: Access denied",
        "state: 1 of 1 steps done; chat serves; a reboot is needed: driver takes effect with a "
        "reboot",
    ]
    assert host.serves == "old"


def test_instances_stand_still_for_a_step(tree: Path, host: Host) -> None:
    """They are stopped once the first step wants it, and serve again at the end."""
    host.serving()
    kept = f"cat {places.paused()} >> {tree}/kept"
    result = _run(
        tree, _shell("headers", "true"), _shell("driver", kept, stops=True), _shell("hold", "true")
    )
    assert result == {"ok": True, "summary": "3 of 3 steps done; chat serves"}
    orders = [c for c in host.systemd.calls if c.startswith(("systemctl st", "systemctl start"))]
    assert orders == [f"systemctl stop {UNIT}", f"systemctl start {UNIT}"]
    kept_then = json.loads((tree / "kept").read_text())
    assert kept_then == {"boot_id": "boot-1", "instances": ["chat"]}
    assert not Path(places.paused()).exists()
    assert host.serves == "old"


def test_gateways_send_nothing_while_instances_stand_still(tree: Path, host: Host) -> None:
    """And have noticed before the first is stopped."""
    durable.write_json(places.agent(), {"asked_every_s": 0.05})
    host.serving("old")
    told: list[tuple[str, str]] = []
    host.systemd.on_call = lambda said: (
        told.append((said, agent.answer("chat"))) if said == f"systemctl stop {UNIT}" else None
    )
    assert _run(tree, _shell("one", "true", stops=True), serving=["chat"])["ok"]
    assert told == [(f"systemctl stop {UNIT}", "drain")]
    assert agent.answer("chat") == "up ready"


def test_head_ends_before_its_rank_stands_still(
    tree: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.serving()
    seen: list[Any] = []

    def wait(*told: Any) -> None:
        seen.append((*told[:4], host.serves))

    monkeypatch.setattr(parting, "wait", wait)
    drains = {"drain_within_s": {"chat": 7.0}}
    assert _run(tree, _shell("driver", "true", stops=True), **drains)["ok"]
    about = durable.read_json(f"{places.releases('chat')}/old/release.json")
    assert seen == [("chat", about, "the host is being changed", 7.0, "old")]


def test_instances_serve_on_where_no_step_stops_them(tree: Path, host: Host) -> None:
    host.serving()
    result = _run(tree, _shell("hold", "true"))
    assert result == {"ok": True, "summary": "1 of 1 steps done"}
    assert not any("stop" in call for call in host.systemd.calls)


def test_what_is_in_flight_is_waited_for(tree: Path, host: Host) -> None:
    host.serving()
    left = iter([2, 1, 0])
    host.systemd.manners["old"].metrics = lambda: (
        f'vllm:num_requests_running{{engine="0"}} {next(left)}\nvllm:num_requests_waiting 0.0\n'
    )
    _run(tree, _shell("driver", "true", stops=True), drain_within_s={"chat": 60.0})
    assert next(left, None) is None


def test_instances_serve_again_after_a_failure(tree: Path, host: Host) -> None:
    host.serving()
    result = _run(tree, _shell("driver", "exit 100", stops=True))
    assert not result["ok"]
    assert result["summary"].endswith("state: 0 of 1 steps done; chat serves")
    assert host.serves == "old"


def test_instance_that_does_not_start_again(tree: Path, host: Host) -> None:
    """The step did what it should, and the host is not ready all the same."""
    host.serving()
    host.misbehave("old", fails_to_start=("The NVIDIA driver on your system is too old",))
    result = _run(tree, _shell("driver", "true", stops=True))
    assert not result["ok"]
    assert (
        "chat DOES NOT START: cause: the driver is older than the CUDA of this"
        in (result["summary"])
    )


def test_files_are_looked_at_before_anything_is_stopped(tree: Path, host: Host) -> None:
    """A wrong one, though the last, leaves no step begun."""
    host.serving()
    wrong = brought(tree, "true", name="firmware")
    wrong["installer"]["sha256"] = "0" * 64
    result = _run(tree, _shell("driver", f"touch {tree}/ran", stops=True), wrong)
    assert not result["ok"]
    assert "Fake_1.0.run is another file than the pinned one" in result["summary"]
    assert host.systemd.calls == []
    assert _begun() == []
    assert not (tree / "ran").exists()


def test_no_step_beside_an_activation(tree: Path, host: Host) -> None:
    host.serving()
    host.systemd.at_work("metalserve-job-activate-chat.service")
    result = _run(tree, _shell("driver", f"touch {tree}/ran", stops=True))
    assert result["summary"].startswith(
        "driver 580.95.05 is not ready: an activation of chat is at work, so nothing was stopped; "
        "wait for it (journalctl -fu metalserve-job-activate-chat.service) and run again"
    )
    assert host.serves == "old"
    assert not (tree / "ran").exists()


def test_instances_that_a_killed_job_stopped(tree: Path, host: Host) -> None:
    """Whoever comes next in this boot starts them, whatever he has to do."""
    host.serving()
    durable.write_json(places.paused(), {"boot_id": "boot-1", "instances": ["chat"]})
    host.systemd.obey(["systemctl", "stop", UNIT])
    assert _run(tree) == {"ok": True, "summary": "0 of 0 steps done; chat serves"}
    assert host.serves == "old"


def test_instances_that_stood_still_in_an_earlier_boot(tree: Path, host: Host) -> None:
    """The boot has started those that should; one that is off since then is somebody's wish."""
    host.serving()
    durable.write_json(places.paused(), {"boot_id": "boot-0", "instances": ["chat"]})
    host.systemd.obey(["systemctl", "stop", UNIT])
    assert _run(tree) == {"ok": True, "summary": "0 of 0 steps done"}
    assert host.serves is None


def test_instances_that_have_to_serve_at_the_end(tree: Path, host: Host) -> None:
    """A boot between two rounds had no driver, and systemd gave up."""
    host.serving()
    host.systemd.obey(["systemctl", "stop", UNIT])
    assert _run(tree, serving=["chat"])["summary"] == "0 of 0 steps done; chat serves"
    assert host.serves == "old"


def test_instances_are_left_stopped_for_the_reboot(tree: Path, host: Host) -> None:
    host.serving()
    assert _run(tree, _shell("driver", "true", always_reboot=True), may_reboot=True)["reboots"]
    assert host.serves is None


def test_job_killed_in_the_middle(installed: Path, tree: Path) -> None:
    """As by the loss of power: the next run knows the step, and does it again to its end."""
    job = tree / "job"
    job.mkdir()
    slow = _shell("driver", f"echo x >> {tree}/ran; sleep ${{1:-60}}")
    (job / "plan.json").write_text(json.dumps(_plan(slow)))
    command = [sys.executable, "-SE", f"{installed}/steps.py", str(job)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as running:
        for _ in range(500):
            if (tree / "ran").exists():
                break
            time.sleep(0.02)
        child = next(pid for pid in _children(running.pid))
        os.killpg(child, signal.SIGKILL)
        running.kill()
    assert _begun() == ["driver.json"]
    assert not (job / "result.json").exists()

    (job / "plan.json").write_text(json.dumps(_plan(_shell("driver", f"echo x >> {tree}/ran"))))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.stdout == "1 of 1 steps done\n", done.stderr
    assert durable.read_json(f"{job}/result.json") == {"ok": True, "summary": "1 of 1 steps done"}
    assert (tree / "ran").read_text() == "x\nx\n"
    assert _begun() == []


def _children(pid: int) -> list[int]:
    return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_what_the_operator_is_to_see_comes_with_the_result(tree: Path) -> None:
    said = "echo Unpacking; echo MindIE 3.0.0 carried over: port; echo done"
    result = _run(tree, _shell("settings", said, tells=["MindIE .* carried"]), _shell("last", said))
    assert result["summary"] == "2 of 2 steps done\n  MindIE 3.0.0 carried over: port"
