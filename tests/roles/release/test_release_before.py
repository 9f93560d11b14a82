"""Where an instance goes back to, or why it does not: by what the probe saw alone."""

from typing import Any

import pytest

from roles.release import Way, Wish, way
from roles.spec import Instance
from tests.roles.faked import bare, entry, seen
from tests.roles.spec.nouns import Nouns

A, B, C = (f"vllm-0.{minor}-cuda-{'abc'[minor] * 12}" for minor in range(3))
SINCE = "2026-11-26T02:00:00Z"
REMEDY = "set the inventory to a release that can serve, and run deploy/main.py"


@pytest.fixture
def chat(nouns: Nouns) -> Instance:
    """The instance that goes back."""
    (one,) = nouns.chat().instances
    return one


def _found(*served: dict[str, Any], **fields: Any) -> dict[str, Any]:
    """Return the probe of a host on which C serves, and before it what is given."""
    listed = [entry(C, first=SINCE, since=SINCE), *served]
    return bare() | {"instances": {"chat": seen(current=C, served=listed, **fields)}}


def test_to_what_served_last(chat: Instance) -> None:
    assert way(chat, _found(entry(B), entry(A))) == Way("chat", C, SINCE, to=B)


def test_past_what_cannot_serve_again(chat: Instance) -> None:
    """Each that was passed over is told with the reason; what is older than the target is not."""
    bad = entry(B, fault="is marked bad: sum: answered '5'")
    found = _found(bad, entry(A), entry("older", fault="is not staged any more"))
    passed = (f"{B} is marked bad: sum: answered '5'",)
    assert way(chat, found) == Way("chat", C, SINCE, to=A, passed=passed)


def test_nothing_left(chat: Instance) -> None:
    bad = entry(B, fault="is marked bad: sum: answered '5'")
    gone = entry(A, fault="has lost its stack: /opt/metalserve/stacks/a is gone")
    refused = (
        f"chat serves {C} and cannot go back: {B} is marked bad: sum: answered '5'; "
        f"{A} has lost its stack: /opt/metalserve/stacks/a is gone; {REMEDY}"
    )
    assert way(chat, _found(bad, gone)) == Way("chat", C, SINCE, refused=refused)


STAYS: dict[str, tuple[dict[str, Any], Wish, str]] = {
    "the only one": ({"served": [entry(C)]}, Wish(), f"chat has no release before {C}"),
    "nothing there": ({"current": None}, Wish(), "chat has no release"),
    "another is left": ({}, Wish(leave=(B,)), f"chat serves {C}, which is not to be left"),
    "another stack is left": (
        {}, Wish(leave=("vllm-0.1-cuda",)), f"chat serves {C}, which is not to be left",
    ),
    "goes where it is": ({}, Wish(to=C), f"chat serves {C}"),
    "never served that": (
        {}, Wish(to="x"), f"chat serves {C} and never served x; before, it served {B}, {A}",
    ),
    "never served anything else": (
        {"served": [entry(C)]}, Wish(to="x"),
        f"chat serves {C} and never served x; before, it served no other",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "wish", "why"), STAYS.values(), ids=STAYS)
def test_stays(chat: Instance, fields: dict[str, Any], wish: Wish, why: str) -> None:
    known = {"current": C, "served": [entry(C), entry(B), entry(A)]} | fields
    found = bare() | {"instances": {"chat": seen(**known)}}
    assert way(chat, found, wish) == Way("chat", known["current"], stays=why)


def test_host_without_it(chat: Instance) -> None:
    assert way(chat, bare()) == Way("chat", stays="chat has no release")


def test_host_that_told_nothing(chat: Instance) -> None:
    found = bare() | {"instances": None, "faults": {"instances": "OSError: disk"}}
    refused = "what chat runs is not known: {'instances': 'OSError: disk'}"
    assert way(chat, found) == Way("chat", refused=refused)


@pytest.mark.parametrize("word", [C, "vllm-0.2-cuda"])
def test_what_is_to_be_left_is_left(chat: Instance, word: str) -> None:
    """A release by its name, or by the stack that it is named after."""
    assert way(chat, _found(entry(B)), Wish(leave=("x", word))).to == B


def test_further_back_by_name(chat: Instance) -> None:
    found = _found(entry(B), entry(A))
    assert way(chat, found, Wish(to=A)) == Way("chat", C, SINCE, to=A)


def test_named_one_that_is_bad(chat: Instance) -> None:
    """What is named is not passed over for another."""
    found = _found(entry(A, fault="is marked bad: it hung"), entry(B))
    refused = f"chat serves {C} and cannot go back: {A} is marked bad: it hung; {REMEDY}"
    assert way(chat, found, Wish(to=A)) == Way("chat", C, SINCE, refused=refused)


def _listening(unit: str | None, pid: int | None = 5) -> dict[str, Any]:
    return {"port": 8001, "pid": pid, "process": pid and "nginx", "unit": unit}


@pytest.mark.parametrize(
    ("listener", "who"),
    [
        (_listening("nginx.service"), "nginx.service (pid 5)"),
        (_listening(None), "nginx (pid 5)"),
        (_listening(None, pid=None), "a process that cannot be seen"),
    ],
)
def test_port_of_the_old_release_is_held(
    chat: Instance, listener: dict[str, Any], who: str
) -> None:
    found = _found(entry(B, ports=[8000, 8001])) | {"ports": [listener]}
    refused = f"port 8001 of {B} is held by {who}; stop it"
    assert way(chat, found) == Way("chat", C, SINCE, refused=refused)


@pytest.mark.parametrize("ports", [[_listening(seen()["unit"])], None])
def test_port_that_the_instance_itself_holds(chat: Instance, ports: object) -> None:
    found = _found(entry(B, ports=[8001])) | {"ports": ports}
    assert way(chat, found).to == B


@pytest.mark.parametrize(
    ("generation", "gone"),
    [
        ("g7", "/var/lib/metalserve/secrets/chat/g7"),
        (None, "/opt/metalserve/instances/chat/secrets"),
    ],
)
def test_secrets_that_are_gone(chat: Instance, generation: str | None, gone: str) -> None:
    found = _found(entry(B), secrets=generation, secrets_there=False)
    refused = (
        f"the secrets of chat are gone: {gone}; remove /var/lib/metalserve/receipts/"
        "stage-chat.json there and run deploy/stage.py, which brings them"
    )
    assert way(chat, found) == Way("chat", C, SINCE, refused=refused)


@pytest.mark.parametrize(
    ("release", "outcome", "since"),
    [(C, "committed", "T"), (C, "rolled back", None), (B, "committed", None)],
)
def test_since_when_by_the_journal_alone(
    chat: Instance, release: str, outcome: str, since: str | None
) -> None:
    """As on a host that older code switched."""
    last = {"release": release, "outcome": outcome, "ended": "T"}
    known = seen(current=C, served=[entry(C), entry(B)], transaction=last)
    assert way(chat, bare() | {"instances": {"chat": known}}) == Way("chat", C, since, to=B)


def test_wish_as_it_is_told() -> None:
    assert Wish.told() == Wish()
    assert Wish.told(leave="a, b", to=" c ") == Wish(leave=("a", "b"), to="c")
