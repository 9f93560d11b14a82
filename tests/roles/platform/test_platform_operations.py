"""The step of a run: nothing to do, a refusal, or the lock and then the rounds."""

import json
from typing import Any

import pytest
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all, disconnect_all
from pyinfra.api.deploy import add_deploy

from roles import platform
from roles.platform import PlatformError, Step, operations, plan
from roles.spec import Accelerator, CudaDriver, DriverPackages, HostSpec
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import Nouns

V = "580.159.04"
DRIVER = CudaDriver(version=V, source=DriverPackages(names=("nvidia-open",)))


@pytest.fixture
def planned(monkeypatch: pytest.MonkeyPatch) -> list[Step]:
    """The steps that the role of the accelerator plans."""
    steps: list[Step] = []
    monkeypatch.setattr(plan, "planned", lambda spec, found: tuple(steps))
    return steps


def test_ready(nouns: Nouns, planned: list[Step]) -> None:
    """From what was asked before, without a word to the host."""
    spec = nouns.host(driver=DRIVER)
    found = told(operations.platform, spec, bare(), wanted=spec)
    assert found == Told(commands=[], noops=[f"driver {V} is as pinned, 2 devices"])


def test_steps(nouns: Nouns, planned: list[Step]) -> None:
    planned.append(Step(name="driver", words=("true",), timeout_s=1))
    spec = nouns.host(driver=DRIVER)
    found = told(operations.platform, spec, bare(), wanted=spec)
    assert found == Told(commands=[lock_taken(), ("converge", {"spec": spec})], noops=[])


def test_refusal(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(spec: HostSpec, found: object) -> tuple[Step, ...]:
        raise PlatformError("no NVIDIA GPU is plugged in")

    monkeypatch.setattr(plan, "planned", refuse)
    spec = nouns.host(driver=DRIVER)
    found = told(operations.platform, spec, bare(), wanted=spec)
    assert found.commands == [("refuse", {"reason": "no NVIDIA GPU is plugged in"})]


def _names(spec: HostSpec, found: Any) -> list[str]:
    fake = {"fake_responses": {"no probe": json.dumps(found)}, "fake_delay": 0}
    known = {"spec": spec, **fake, "fake_delay_jitter": 0}
    state = State(Inventory(([("@fake/gpu-1", known)], {})), Config())
    connect_all(state)
    try:
        add_deploy(state, platform.ready, spec=spec)
        return [name for meta in state.op_meta.values() for name in meta.names]
    finally:
        disconnect_all(state)


def test_dry_run_shows_the_steps(nouns: Nouns, planned: list[Step]) -> None:
    spec = nouns.host(driver=DRIVER)
    assert _names(spec, bare()) == [f"Driver and toolkits | Bring driver {V}"]
    planned += [Step(name=name, words=("true",), timeout_s=1) for name in ("driver", "hold")]
    assert _names(spec, bare()) == [f"Driver and toolkits | Bring driver {V}: driver, hold"]


def test_no_step_where_nothing_is_asked(nouns: Nouns) -> None:
    assert _names(nouns.chat(), bare()) == []
    assert _names(HostSpec(accelerator=Accelerator.CPU), bare()) == []
