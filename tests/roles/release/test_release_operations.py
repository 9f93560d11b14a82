"""Staging, activating and going back: what is done to a host, and when nothing is."""

import json
from typing import Any

import pytest

from roles import instance, lock
from roles.release import Release, Wish, operations
from roles.spec import HostSpec, Secret
from tests.roles.faked import Told, bare, entry, lock_taken, seen, told
from tests.roles.spec.nouns import Nouns

KEY = "sesame-sesame-sesame"


@pytest.fixture
def spec(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> HostSpec:
    """A host with one instance and its key."""
    # What was read is kept for the run, so that every test has names of its own.
    monkeypatch.setenv("RELEASE_KEY", KEY)
    monkeypatch.setenv("RELEASE_KEY_NEW", KEY[::-1])
    return nouns.chat(api_key=Secret(env="RELEASE_KEY"))


def _secrets(spec: HostSpec) -> dict[str, Any]:
    machine_id = bare()["system"]["machine_id"]
    return instance.generation(spec.instances[0], machine_id=machine_id)


def _release(spec: HostSpec) -> Release:
    return Release(spec=spec, instance=spec.instances[0])


def _serving(spec: HostSpec, **fields: Any) -> dict[str, Any]:
    right = {"current": _release(spec).name, "secrets": _secrets(spec)["generation"]}
    return bare() | {"instances": {"chat": seen(**right | fields)}}


def _back(spec: HostSpec, found: object, **wish: object) -> Told:
    (one,) = spec.instances
    given: dict[str, Any] = {"instance": one, "python": spec.python, "wish": Wish.told(**wish)}
    return told(operations.release_before, spec, found, **given)


def _job(plan: dict[str, Any]) -> tuple[str, dict[str, Any]]:
    given = {"name": "activate-chat", "script": "activate", "python": "/usr/bin/python3"}
    return "run", given | {"plan": plan}


def test_stage(spec: HostSpec) -> None:
    release = _release(spec)
    found = told(operations.laid_out_release, spec, bare(), release=release)
    staging = json.dumps(release.staging(secrets=_secrets(spec)))
    command = ("/usr/bin/python3 /opt/metalserve/hostside/stage.py", staging)
    assert found == Told(commands=[lock_taken(), command], noops=[])
    # The secret is on the input, where nobody else can read it.
    assert KEY in staging
    assert not any(KEY in words for words, _ in found.commands)


def test_staged(spec: HostSpec) -> None:
    release = _release(spec)
    receipt = {"digest": release.staged(_secrets(spec)["generation"]), "drift": []}
    found = bare() | {"receipts": {"stage-chat": receipt}}
    assert told(operations.laid_out_release, spec, found, release=release) == Told(
        commands=[], noops=[f"{release.name} is staged"]
    )
    found = bare() | {"receipts": {"stage-chat": receipt | {"drift": ["start is missing"]}}}
    assert told(operations.laid_out_release, spec, found, release=release).commands


def test_activate(spec: HostSpec) -> None:
    release = _release(spec)
    generation, who = _secrets(spec)["generation"], str(lock.owner()["who"])
    plan = release.activation(serving=None, generation=generation, who=who)
    assert told(operations.serving_release, spec, bare(), release=release) == Told(
        commands=[lock_taken(), _job(plan)], noops=[]
    )
    other = bare() | {"instances": {"chat": seen(current="other")}}
    plan = release.activation(serving="other", generation=generation, who=who)
    assert told(operations.serving_release, spec, other, release=release) == Told(
        commands=[lock_taken(), _job(plan)], noops=[]
    )


def test_serves(spec: HostSpec) -> None:
    release = _release(spec)
    found = told(operations.serving_release, spec, _serving(spec), release=release)
    assert found == Told(commands=[], noops=[f"{release.name} serves"])


NOT: dict[str, dict[str, Any]] = {
    "another release": {"current": "vllm-0.26-cuda-000000000000"},
    "nothing": {"current": None, "secrets": None, "unit": None, "active": False, "about": None},
    "another secret": {"secrets": "0"},
    "dead": {"active": False},
    "interrupted": {"transaction": seen()["transaction"] | {"outcome": None}},
}


@pytest.mark.parametrize("fields", NOT.values(), ids=NOT)
def test_does_not_serve(spec: HostSpec, fields: dict[str, Any]) -> None:
    found = _serving(spec, **fields)
    commands = told(operations.serving_release, spec, found, release=_release(spec)).commands
    assert [words for words, _ in commands][1:] == ["run"]


def test_new_secret_is_staged_and_activated(spec: HostSpec, nouns: Nouns) -> None:
    staged = _release(spec).staged(_secrets(spec)["generation"])
    found = _serving(spec) | {"receipts": {"stage-chat": {"digest": staged, "drift": []}}}
    renewed = nouns.chat(api_key=Secret(env="RELEASE_KEY_NEW"))
    for operation in (operations.laid_out_release, operations.serving_release):
        assert told(operation, spec, found, release=_release(spec)).commands == []
        assert told(operation, renewed, found, release=_release(renewed)).noops == []


def test_what_is_not_in_the_spec_is_told(spec: HostSpec, echoed: list[str]) -> None:
    """And nothing is done about it: what serves may serve somebody."""
    unit = "metalserve-vllm@draw.service"
    instances = {
        "chat": seen(),
        "draw": seen(unit=unit),
        "dead": seen(active=False),
        "staged": seen(current=None, unit=None, active=False, about=None),
    }
    found = bare() | {"instances": instances}
    told_of = told(operations.known_instances, spec, found, wanted=["chat"])
    assert told_of == Told(commands=[], noops=["what is not in the spec is left alone"])
    assert [line.split("] ", 1)[1] for line in echoed] == [
        "draw serves (one) and is not in the spec, so it was left alone; "
        "to remove it: deploy/decommission.py --limit @fake/gpu-1 --data instance=draw",
        "dead is there (one) and is not in the spec, so it was left alone; "
        "to remove it: deploy/decommission.py --limit @fake/gpu-1 --data instance=dead",
    ]


def test_back(spec: HostSpec) -> None:
    """To the release before with the secrets that it had; no question is asked of the spec."""
    plan = {
        "instance": "chat",
        "release": "before",
        "from": _release(spec).name,
        "secrets": None,
        "drain_within_s": 120,
        "who": lock.owner()["who"],
    }
    found = _back(spec, _serving(spec, previous="before"))
    assert found == Told(commands=[lock_taken(), _job(plan)], noops=[])


def test_stays(spec: HostSpec) -> None:
    found = _serving(spec, previous="before")
    serving = _release(spec).name
    noop = f"chat serves {serving}, which is not to be left"
    assert _back(spec, found, leave="before") == Told(commands=[], noops=[noop])


def test_not_back(spec: HostSpec) -> None:
    """Nothing is done, not even the lock is taken."""
    served = [entry("one"), entry("zero", fault="is marked bad: sum (text): answered '5'")]
    found = bare() | {"instances": {"chat": seen(served=served)}}
    reason = (
        "chat serves one and cannot go back: zero is marked bad: sum (text): answered '5'; "
        "set the inventory to a release that can serve, and run deploy/main.py"
    )
    assert _back(spec, found).commands == [("refuse", {"reason": reason})]
