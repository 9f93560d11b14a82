"""Staging: what is done to a host, and when nothing is."""

import json
from typing import Any

import pytest

from roles import instance
from roles.release import Release, operations
from roles.spec import HostSpec, Secret
from tests.roles.faked import Told, bare, lock_taken, seen, told
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


def test_new_secret_is_staged(spec: HostSpec, nouns: Nouns) -> None:
    staged = _release(spec).staged(_secrets(spec)["generation"])
    found = bare() | {"receipts": {"stage-chat": {"digest": staged, "drift": []}}}
    renewed = nouns.chat(api_key=Secret(env="RELEASE_KEY_NEW"))
    assert told(operations.laid_out_release, spec, found, release=_release(spec)).commands == []
    assert told(operations.laid_out_release, renewed, found, release=_release(renewed)).commands


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
        f"to stop it: systemctl disable --now {unit}",
        "dead is there (one) and is not in the spec, so it was left alone; "
        "to stop it: systemctl disable --now metalserve-vllm@chat.service",
    ]
