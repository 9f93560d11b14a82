"""
One host through its rounds: what it is told, what the operator is told, and when it ends.

The host is played: it answers the probe as the test says, and does its jobs as the test says.
"""

import copy
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from pyinfra.api import Host

from roles import job, probe
from roles.platform import PlatformError, Step, converge, line, plan
from roles.probe.facts import silent
from roles.spec import CudaDriver, DriverPackages, HostSpec
from tests.roles.faked import bare, on_host, seen
from tests.roles.spec.nouns import Nouns

V = "580.159.04"
DRIVER = CudaDriver(version=V, source=DriverPackages(names=("nvidia-open",)))
ALLOW = "allow it with may_reboot=True in the inventory, or once with --data reboot=yes"
Done = Callable[["Played"], bool]


def step(name: str = "driver", **fields: Any) -> Step:
    right: dict[str, Any] = {"name": name, "words": ("true",), "timeout_s": 1.0}
    return Step(**right | fields)


@dataclass
class Played:
    """A host, and what it was told."""

    found: dict[str, Any] = field(default_factory=bare)
    todo: list[tuple[Step, ...]] = field(default_factory=list)
    """What is left to do, round after round; then nothing."""
    jobs: list[Done] = field(default_factory=list)
    """What each job does; then the next round begins."""
    answers: list[Callable[["Played"], None]] = field(default_factory=list)
    """What has happened when it is asked the next time."""
    told: list[Any] = field(default_factory=list)
    files: dict[str, Any] = field(default_factory=dict)
    cut: bool = False
    now: float = 0.0

    def boot(self) -> None:
        """Come up anew."""
        self.found["system"]["boot_id"] += "'"

    def need_reboot(self, why: str = "driver takes effect with a reboot") -> None:
        """Keep that this boot has to end."""
        boot = self.found["system"]["boot_id"]
        self.found["platform"]["reboot"] = {"boot_id": boot, "why": why}

    def instances(self, **active: bool) -> None:
        """Have instances, up or not."""
        about = {"unit": "metalserve-vllm@chat.service", "ready_within_s": 300}
        self.found["instances"] = {n: seen(active=up, about=about) for n, up in active.items()}

    def steps(self) -> tuple[Step, ...]:
        return self.todo[0] if self.todo else ()

    def answer(self) -> dict[str, Any]:
        """Answer the probe."""
        if self.answers:
            self.answers.pop(0)(self)
        return copy.deepcopy(self.found)

    def work(self, given: Any) -> bool:
        """Do a job."""
        self.told.append(given)
        done = self.jobs.pop(0)(self) if self.jobs else True
        if done and self.todo:
            self.todo.pop(0)
        return done


@dataclass
class _Command:
    played: Played
    given: Any

    def execute(self, state: object, host: object, arguments: object) -> bool:
        return self.played.work(self.given)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    """The host."""
    host = Played()

    def commands(name: str, *, script: str, python: str, plan: Any) -> Iterator[_Command]:
        assert (name, script, python) == ("platform", "steps", "/usr/bin/python3")
        yield _Command(host, plan)

    def sleep(seconds: float) -> None:
        host.now += seconds

    monkeypatch.setattr(job, "commands", commands)
    monkeypatch.setattr(probe, "of", lambda _: host.answer())
    monkeypatch.setattr(probe, "renew", lambda _: host.answer())
    monkeypatch.setattr(line, "up", lambda _: not host.cut)
    monkeypatch.setattr(plan, "planned", lambda spec, found: host.steps())
    monkeypatch.setattr(converge._Converging, "read", lambda _, file: host.files.get(file))
    monkeypatch.setattr(time, "sleep", sleep)
    monkeypatch.setattr(time, "monotonic", lambda: host.now)
    return host


RESULT = "/var/lib/metalserve/jobs/platform/result.json"


def reboots(played: Played) -> bool:
    """Do all steps, and end with a reboot; the host is back when it is asked again."""
    played.need_reboot()
    played.files[RESULT] = {"ok": True, "reboots": True}
    played.answers += [lambda _: None, Played.boot]
    return True


@contextmanager
def _on(spec: HostSpec, **data: object) -> Iterator[Host]:
    with on_host(spec, bare(), **data) as host:
        yield host


def _run(spec: HostSpec, **data: object) -> bool:
    with _on(spec, **data) as host:
        return converge.converge(host.state, host, spec=spec)


def _lines(echoed: list[str]) -> list[str]:
    return [line.split("] ", 1)[1] for line in echoed]


@pytest.fixture
def spec(nouns: Nouns) -> HostSpec:
    """A host that may reboot."""
    return nouns.host(nouns.instance(drain_within_s=30), driver=DRIVER, may_reboot=True)


READY = f"driver {V} is as pinned, 2 devices"


def test_one_round(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    played.todo = [(step("update"), step())]
    played.instances(chat=True)
    assert _run(spec)
    assert played.told == [
        {
            "name": f"driver {V}",
            "steps": [step("update").to_json(), step().to_json()],
            "drain_within_s": {"chat": 30.0},
            "serving": ["chat"],
            "may_reboot": True,
        }
    ]
    assert _lines(echoed) == ["to do: update, driver", READY]


def test_through_a_reboot(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """What is left to do is planned again from what the new boot shows."""
    played.todo = [(step(always_reboot=True),), (step("load"),)]
    played.jobs = [reboots]
    assert _run(spec)
    assert [[one["name"] for one in told["steps"]] for told in played.told] == [
        ["driver"], ["load"],
    ]  # fmt: skip
    assert _lines(echoed) == [
        "to do: driver",
        "it is back, waiting for everything to start",
        "to do: load",
        READY,
    ]


def test_reboot_that_does_not_come(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    def job(played: Played) -> bool:
        played.need_reboot()
        played.files[RESULT] = {"ok": True, "reboots": True}
        return True

    played.todo, played.jobs = [(step(),)], [job]
    assert not _run(spec)
    assert played.now >= 1200
    assert _lines(echoed)[-1] == (
        "it did not come back within 20 min: it still answers from the boot before; every step "
        "before the reboot was done; look at its console, then run again"
    )


def test_host_that_does_not_come_back(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    def job(played: Played) -> bool:
        played.cut = True
        return True

    played.todo, played.jobs = [(step(),)], [job]
    assert not _run(spec)
    assert "within 20 min: it does not answer; every step" in _lines(echoed)[-1]


def test_host_on_its_way_down_has_no_probe(spec: HostSpec, played: Played) -> None:
    """A probe without an answer is none, and is asked for again."""

    def job(played: Played) -> bool:
        right = played.found
        played.found = silent("it goes down")

        def back(played: Played) -> None:
            played.found = right
            played.boot()

        played.answers += [lambda _: None, lambda _: None, back]
        return True

    played.todo, played.jobs = [(step(),)], [job]
    assert _run(spec)


@pytest.mark.parametrize("told", ["yes", "true", True])
def test_reboot_allowed_once(told: object, nouns: Nouns, played: Played) -> None:
    played.todo, played.jobs = [(step(),)], [reboots]
    assert _run(nouns.host(driver=DRIVER), reboot=told)
    assert played.told[0]["may_reboot"] is True


def test_reboot_that_is_not_allowed(nouns: Nouns, played: Played, echoed: list[str]) -> None:
    """On a host that serves nothing, everything up to it is done."""

    def job(played: Played) -> bool:
        played.need_reboot()
        return True

    played.todo, played.jobs = [(step(always_reboot=True),)], [job]
    assert not _run(nouns.host(driver=DRIVER), reboot="no")
    assert played.told[0]["may_reboot"] is False
    assert _lines(echoed)[-1] == (
        "driver takes effect with a reboot; the host waits for a reboot, which is not allowed; "
        f"{ALLOW}, or reboot it yourself and run again"
    )


def test_reboot_that_is_not_allowed_where_it_serves(
    nouns: Nouns, played: Played, echoed: list[str]
) -> None:
    """Nothing is begun that would leave the instance without its driver."""
    played.todo = [(step("update"), step(stops=True, always_reboot=True))]
    played.instances(chat=True, draw=False)
    assert not _run(nouns.host(driver=DRIVER))
    assert played.told == []
    assert _lines(echoed) == [
        "driver takes a reboot, which is not allowed, and chat serves here; nothing was changed; "
        f"{ALLOW}"
    ]


def test_reboot_that_an_earlier_run_left(spec: HostSpec, played: Played) -> None:
    played.need_reboot()
    played.jobs = [reboots]
    assert _run(spec)
    assert played.told[0]["steps"] == []


def test_job_that_fails(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """Why is what the job said; no reboot is waited for, though one step asked for it."""

    def job(played: Played) -> bool:
        played.need_reboot()
        played.files[RESULT] = {"ok": False}
        return False

    played.todo, played.jobs = [(step(),)], [job]
    assert not _run(spec)
    assert played.now == 0
    assert _lines(echoed)[-1] == f"driver {V} is not ready; why is said above"


def test_power_lost_in_the_middle(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """The host is up anew, its job is not: the same run goes on."""

    def job(played: Played) -> bool:
        played.boot()
        return False

    played.todo, played.jobs = [(step(),)], [job]
    assert _run(spec)
    assert len(played.told) == 2
    assert "the host was cut off or went down in the middle; going on from there" in _lines(echoed)


def test_connection_lost_for_long(spec: HostSpec, played: Played) -> None:
    """Nobody could follow the job any more; it is attached to."""

    def job(played: Played) -> bool:
        played.found["jobs"] = ["platform"]
        played.files["/var/lib/metalserve/jobs/platform/plan.json"] = {"of": "that job"}
        return False

    def rest(played: Played) -> bool:
        played.found["jobs"] = []
        return True

    played.todo, played.jobs = [(step(),)], [job, rest]
    assert _run(spec)
    assert played.told[1] == {"of": "that job"}


def test_job_of_an_earlier_run(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """It is attached to with its own plan, and what it leaves is looked at."""

    def rest(played: Played) -> bool:
        played.found["jobs"] = []
        return True

    played.found["jobs"] = ["platform"]
    played.files["/var/lib/metalserve/jobs/platform/plan.json"] = {"of": "that job"}
    played.todo, played.jobs = [(step("old"),), (step(),)], [rest]
    assert _run(spec)
    assert played.told[0] == {"of": "that job"}
    assert [one["name"] for one in played.told[1]["steps"]] == ["driver"]
    assert _lines(echoed)[0] == "to do: what is at work already"


def test_step_that_changes_nothing(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """It succeeded and is wanted again: another time would be no better."""
    played.todo = [(step(),), (step(),)]
    assert not _run(spec)
    assert len(played.told) == 1
    assert _lines(echoed)[-1] == "this was done, and is still to do: driver"


def test_reboot_that_does_not_help(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """A second one would not either."""
    played.todo, played.jobs = [(step(),), (step(),)], [reboots]
    assert not _run(spec)
    assert len(played.told) == 1
    assert _lines(echoed)[-1] == "this was done, and is still to do: driver"


def test_rounds_without_an_end(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    played.todo = [(step(f"step-{number}"),) for number in range(10)]
    assert not _run(spec)
    assert len(played.told) == 6
    assert _lines(echoed)[-1] == "after 6 rounds there is still to do: step-5"


def test_what_came_of_it_is_looked_at(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """A card that a new driver does not drive any more."""

    def job(played: Played) -> bool:
        played.found["accelerators"]["cuda"]["devices"].pop()
        return True

    played.todo, played.jobs = [(step(),)], [job]
    assert not _run(spec)
    assert _lines(echoed)[-1] == "the driver shows 1 devices, 2 are there; see dmesg there"


def test_instance_that_did_not_come_up_with_the_boot(spec: HostSpec, played: Played) -> None:
    """It served before, so that it is started; nothing else is done."""

    def job(played: Played) -> bool:
        played.instances(chat=False)
        return reboots(played)

    def start(played: Played) -> bool:
        played.instances(chat=True)
        return True

    played.instances(chat=True)
    played.todo, played.jobs = [(step(stops=True, always_reboot=True),)], [job, start]
    assert _run(spec)
    assert [len(told["steps"]) for told in played.told] == [1, 0]
    assert played.told[1]["serving"] == ["chat"]


def test_refusal_of_the_role(
    spec: HostSpec, played: Played, echoed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(spec: HostSpec, found: object) -> tuple[Step, ...]:
        raise PlatformError("NVSwitches are plugged in")

    monkeypatch.setattr(plan, "planned", refuse)
    assert not _run(spec)
    assert _lines(echoed) == ["NVSwitches are plugged in"]
