"""What a host is told in its wave, and in those of others."""

from collections import Counter
from typing import Any

import pytest
from pyinfra.api import FunctionCommand, Host

from roles import control, instance, probe
from roles.fleet import operations, plan
from roles.fleet.members import Towards
from roles.fleet.rollout import Rollout
from roles.release import Release
from roles.spec import Fleet, HostSpec, Secret
from tests.roles.faked import Told, bare, on_host, seen, told
from tests.roles.fleet.test_fleet_plan import Hosts
from tests.roles.spec.nouns import Nouns

HOST = "@fake/gpu-1"


@pytest.fixture
def hosts(nouns: Nouns) -> Hosts:
    return Hosts(nouns)


def _rollout(hosts: Hosts, fleet: Fleet | None = None, **fields: Any) -> Rollout:
    member = hosts.one(HOST, **fields)
    return Rollout(plan.made([member, *hosts.many(3)], fleet or Fleet()))


def _wave(hosts: Hosts, rollout: Rollout, number: int = 1) -> Told:
    return told(
        operations.serving_wave,
        hosts.spec,
        bare(),
        rollout=rollout,
        number=number,
        towards=Towards.FORWARD,
    )


def test_its_turn(hosts: Hosts) -> None:
    rollout = _rollout(hosts)
    ((name, given),) = _wave(hosts, rollout).commands
    assert isinstance(given, dict)
    assert (name, given["rollout"], given["towards"]) == ("take_turn", rollout, Towards.FORWARD)
    assert _wave(hosts, rollout, 2).noops == ["its wave is 1 of 2, canary"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"left": "chat is out of rotation: a fan is loud"}, "chat is out of rotation"),
        ({"moves": (), "goal": (("chat", "new"),)}, "new serves"),
        ({"moves": ()}, "nothing serves"),
    ],
)
def test_nothing_to_do(hosts: Hosts, fields: dict[str, Any], said: str) -> None:
    found = _wave(hosts, _rollout(hosts, **fields))
    assert found.commands == []
    assert found.noops[0].startswith(said)


def test_refused(hosts: Hosts) -> None:
    """Once, whatever number of waves there is."""
    rollout = _rollout(hosts, moves=(), refused="zero is marked bad")
    why = "not begun: zero is marked bad; nothing was changed here"
    assert _wave(hosts, rollout).commands == [("refuse", {"reason": why})]
    assert _wave(hosts, rollout, 2).noops == ["zero is marked bad"]


def test_judged(hosts: Hosts) -> None:
    rollout = _rollout(hosts)
    spec, operation = hosts.spec, operations.well_in_the_end
    assert told(operation, spec, bare(), rollout=rollout).noops == ["it is as it should be"]
    rollout.not_begun[HOST] = "1 host failed"
    reason = {"reason": "not begun: 1 host failed"}
    assert told(operation, spec, bare(), rollout=rollout).commands == [("refuse", reason)]


def test_only_what_was_switched_is_looked_at_again(hosts: Hosts) -> None:
    rollout = _rollout(hosts)
    operation = operations.settled_wave
    assert told(operation, hosts.spec, bare(), rollout=rollout).noops == ["nothing was switched"]
    rollout.switched[HOST] = [hosts.move()]
    ((name, _),) = told(operation, hosts.spec, bare(), rollout=rollout).commands
    assert name == "look_again"


@pytest.mark.parametrize(("active", "well"), [(True, True), (False, False)])
def test_looks_again(
    hosts: Hosts, monkeypatch: pytest.MonkeyPatch, echoed: list[str], active: bool, well: bool
) -> None:
    """Who no longer serves has failed, and is counted as such for the floor."""
    monkeypatch.setattr(control.stopping, "asked", lambda: False)
    rollout = _rollout(hosts)
    rollout.switched[HOST] = [hosts.move()]
    about = {"unit": "metalserve-vllm@chat.service", "model": hosts.model}
    found = bare() | {"instances": {"chat": seen(active=active, about=about)}}
    with on_host(hosts.spec, found) as host:
        monkeypatch.setattr(probe, "renew", lambda _: found)
        assert operations._look_again(host.state, host, rollout=rollout) is well
    assert rollout.failed == ({} if well else {HOST: "in wave 1, new no longer serves"})
    assert rollout.serves[hosts.model] == (4 if well else 3)
    assert [line.rpartition("] ")[2] for line in echoed] == (
        [] if well else ["new no longer serves"]
    )


def test_turn_of_a_host_that_serves_by_now(
    hosts: Hosts, nouns: Nouns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was planned when its probe said otherwise; nothing is run, and it is well."""
    monkeypatch.setattr(control.stopping, "asked", lambda: False)
    monkeypatch.setenv("FLEET_KEY", "sesame-sesame-sesame")
    spec = nouns.chat(api_key=Secret(env="FLEET_KEY"))
    rollout = _rollout(hosts)
    with on_host(spec, _serving(spec)) as host:
        assert _turn(host, rollout) is True
        assert getattr(host.connector, "executed_commands")[1:] == []  # noqa: B009
    assert rollout.switched[HOST] == []


def test_turn_of_a_host_on_which_it_fails(
    hosts: Hosts, nouns: Nouns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What serves there afterwards is asked of it."""
    monkeypatch.setattr(control.stopping, "asked", lambda: False)
    monkeypatch.setenv("FLEET_KEY", "sesame-sesame-sesame")
    spec = nouns.chat(api_key=Secret(env="FLEET_KEY"))
    rollout = _rollout(hosts)
    monkeypatch.setattr(FunctionCommand, "execute", lambda *_: False)
    with on_host(spec, bare()) as host:
        assert _turn(host, rollout) is False
    name = Release(spec=spec, instance=spec.instances[0]).name
    why = f"in wave 1, chat did not come to {name}, and nothing serves it"
    assert rollout.failed == {HOST: why}
    assert rollout.serves == Counter({hosts.model: 3})


def _turn(host: Host, rollout: Rollout) -> bool:
    return operations._take_turn(host.state, host, rollout=rollout, towards=Towards.FORWARD)


def _serving(spec: HostSpec) -> dict[str, Any]:
    (one,) = spec.instances
    secrets = instance.generation(one, machine_id=bare()["system"]["machine_id"])["generation"]
    name = Release(spec=spec, instance=one).name
    return bare() | {"instances": {"chat": seen(current=name, secrets=secrets)}}
