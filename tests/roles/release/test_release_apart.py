"""What an upgrade did not come to is not taken further back by a rollback of the rest."""

from typing import Any

import pytest

from roles.release import Judged, Wish, way
from roles.release.apart import mixed, reasons
from roles.spec import Instance
from tests.roles.faked import bare, entry, seen
from tests.roles.spec.nouns import Nouns

OLD, NEW = "vllm-0.1-cuda-aaaaaaaaaaaa", "vllm-0.2-cuda-bbbbbbbbbbbb"
OLDER = "vllm-0.0-cuda-cccccccccccc"
MAY, JUNE, JULY = (f"2026-0{month}-01T00:00:00Z" for month in (5, 6, 7))


class Run:
    """Hosts of a run, each with one instance."""

    def __init__(self, nouns: Nouns) -> None:
        (self.instance,) = nouns.chat().instances
        self.hosts: list[tuple[Instance, dict[str, Any]]] = []
        # Whether all of them serve what the inventory wants.
        self.wanted = False

    def add(self, *served: dict[str, Any], name: str = "chat", **about: Any) -> None:
        """Add a host on which the first of these serves, the others before it."""
        current = served[0]["release"] if served else None
        described = {"stack": "s", "weights": "w", **about}
        self.seen(name=name, current=current, served=list(served), about=described)

    def seen(self, name: str = "chat", **fields: Any) -> None:
        """Add a host with an instance as the probe saw it."""
        found = bare() | {"instances": {name: seen(**fields)}}
        self.hosts.append((self.instance.model_copy(update={"name": name}), found))

    def judged(self, **wish: Any) -> list[Judged]:
        """Return every way back."""
        return [
            Judged(
                f"gpu-{at}",
                instance,
                (found["instances"] or {}).get(instance.name, {}),
                way(instance, found, Wish.told(**wish)),
                self.wanted,
            )
            for at, (instance, found) in enumerate(self.hosts, start=1)
        ]

    def reasons(self, **wish: Any) -> list[str]:
        """Return why nothing may be done."""
        return reasons(self.judged(**wish), Wish.told(**wish))


def _at(release: str, first: str | None, since: str | None = None) -> dict[str, Any]:
    return entry(release, first=first, since=since or first)


@pytest.fixture
def run(nouns: Nouns) -> Run:
    """A run of no host yet."""
    return Run(nouns)


def test_all_on_the_same(run: Run) -> None:
    for _ in range(3):
        run.add(_at(NEW, JUNE), _at(OLD, MAY))
    assert run.reasons() == []


def test_half_upgraded(run: Run) -> None:
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    for _ in range(4):
        run.add(_at(OLD, MAY), _at(OLDER, None))
    assert run.reasons() == [
        "qwen3-8b is served by different releases: some would go further back than others\n"
        f"    {NEW}: 1, since {JUNE} (gpu-1/chat)\n"
        f"    {OLD}: 4, since {MAY} (gpu-2/chat, gpu-3/chat, gpu-4/chat and 1 more)\n"
        f"    say what is to be left, anything else stays: --data leave={NEW}"
    ]
    assert run.reasons(leave=NEW) == []
    assert run.reasons(to=OLD) == []


def test_half_upgraded_from_the_first_release(run: Run) -> None:
    """What has nothing before it stays in any case."""
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    run.add(_at(OLD, MAY))
    assert run.reasons() == []


def _leave(run: Run) -> str:
    (told,) = mixed(run.judged())
    return told.rpartition("--data leave=")[2].split("\n")[0]


def test_half_rolled_back(run: Run) -> None:
    """What is to be left is what came last into the fleet, not what began last on a host."""
    run.add(_at(OLD, MAY, JULY), _at(NEW, JUNE))
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    assert _leave(run) == NEW


def test_half_rolled_back_to_what_older_code_activated(run: Run) -> None:
    run.add(_at(OLD, None, JULY), _at(NEW, JUNE))
    run.add(_at(NEW, JUNE), _at(OLD, None))
    assert _leave(run) == NEW


def test_hosts_of_an_older_version_are_told_by_their_journals(run: Run) -> None:
    for release, ended in ((OLD, MAY), (NEW, JUNE)):
        last = {"release": release, "outcome": "committed", "ended": ended}
        run.seen(current=release, previous=OLDER, about={"port": 8000}, transaction=last)
    assert _leave(run) == NEW
    assert f"{NEW}: 1, since {JUNE} (gpu-2/chat)" in mixed(run.judged())[0]


def test_nobody_knows_since_when(run: Run) -> None:
    run.add(_at(NEW, None), _at(OLD, None))
    run.add(_at(OLD, None), _at(OLDER, None))
    assert f"    {OLD}: 1 (gpu-2/chat)\n" in mixed(run.judged())[0]
    assert _leave(run) == "RELEASE"


def test_stack_does_not_say_which_of_its_releases(run: Run) -> None:
    """As when options alone were changed."""
    older, newer = (f"vllm-0.2-cuda-{digit * 12}" for digit in "ef")
    run.add(_at(newer, JULY), _at(older, JUNE))
    run.add(_at(older, JUNE), _at(OLD, MAY))
    (told,) = run.reasons(leave="vllm-0.2-cuda")
    assert told.endswith(f"--data leave={newer}")
    assert run.reasons(leave=newer) == []
    # Whoever names both, means both.
    assert run.reasons(leave=f"{newer},{older}") == []


def test_hosts_that_differ_by_design(run: Run) -> None:
    """Of another kind, and upgraded too; a host that an upgrade did not come to is one of them."""
    others = [f"vllm-0.{minor}-cuda-dddddddddddd" for minor in range(3)]
    for _ in range(2):
        run.add(_at(NEW, JUNE), _at(OLD, MAY))
        run.add(_at(others[2], JULY), _at(others[1], MAY), stack="another")
    assert run.reasons() == []
    run.add(_at(others[1], MAY), _at(others[0], None), stack="another")
    assert _leave(run) == others[2]


def test_new_host_that_has_nothing_before(run: Run) -> None:
    """It may be of another kind, or what an upgrade came to, unless the inventory wants it so."""
    run.add(_at(NEW, JUNE))
    run.add(_at(OLD, MAY), _at(OLDER, None))
    assert _leave(run) == NEW
    run.wanted = True
    assert run.reasons() == []


@pytest.mark.parametrize("first", [True, False])
def test_new_host_is_of_the_kind_that_serves_the_same(run: Run, first: bool) -> None:
    another = [f"vllm-0.{minor}-cuda-dddddddddddd" for minor in range(2)]
    if first:
        run.add(_at(NEW, JUNE))
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    run.add(_at(another[1], JULY), _at(another[0], MAY), stack="another")
    if not first:
        run.add(_at(NEW, JUNE))
    assert run.reasons() == []
    # An upgrade that did not come to all of its kind is seen with it as without.
    run.add(_at(OLD, MAY), _at(OLDER, None))
    assert _leave(run) == NEW


def test_kind_of_which_all_serve_the_same_may_be_back_already(run: Run) -> None:
    """Or the rollback did not come to it yet: whoever asks knows."""
    another = [f"vllm-0.{minor}-cuda-dddddddddddd" for minor in range(2)]
    run.add(_at(another[1], JULY), _at(another[0], MAY), stack="another")
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    run.add(_at(OLD, MAY))
    assert run.reasons() == []
    run.add(_at(OLD, MAY), _at(OLDER, None))
    (told,) = run.reasons()
    assert told.endswith(
        f"anything else stays: --data leave={NEW}\n"
        f"    and ,{another[1]} after it, if that is to be left as well"
    )
    assert run.reasons(leave=f"{NEW},{another[1]}") == []


def test_two_instances_of_one_make(run: Run) -> None:
    """Their releases differ by their names alone."""
    run.add(_at(NEW, JUNE), _at(OLD, MAY), name="chat-0")
    run.add(_at("vllm-0.2-cuda-dddddddddddd", JUNE), _at(OLD, MAY), name="chat-1")
    assert run.reasons() == []


@pytest.mark.parametrize("differs", ["stack", "weights"])
def test_two_instances_of_different_make(run: Run, differs: str) -> None:
    """As when an upgrade came to the first of a host's instances, and not to the second."""
    run.add(_at(NEW, JUNE), _at(OLD, MAY), name="chat-0", **{differs: "new"})
    run.add(_at("vllm-0.1-cuda-dddddddddddd", MAY), _at(OLDER, None), name="chat-1")
    assert _leave(run) == NEW


def test_several_instances_half_upgraded(run: Run) -> None:
    for name, end in (("chat-0", "0" * 12), ("chat-1", "1" * 12)):
        new, old = _at(f"vllm-0.2-cuda-{end}", JUNE), _at(f"vllm-0.1-cuda-{end}", MAY)
        run.add(new, old, name=name)
        run.add(old, _at(OLDER, None), name=name)
    leave = ",".join(f"vllm-0.2-cuda-{digit * 12}" for digit in "01")
    assert _leave(run) == leave
    # Or in short, by the stack of both.
    assert run.reasons(leave="vllm-0.2-cuda") == []


def test_other_models_are_no_mixture(run: Run, nouns: Nouns) -> None:
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    run.instance = run.instance.model_copy(update={"model": "another"})
    run.add(_at(OLD, MAY), _at(OLDER, None), name="talk")
    assert run.reasons() == []


def test_host_that_cannot(run: Run) -> None:
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    run.hosts.append((run.instance, bare() | {"instances": None, "faults": {"python": "gone"}}))
    reason = "gpu-2: what chat runs is not known: {'python': 'gone'}"
    assert run.reasons() == run.reasons(leave=NEW) == [reason]


def test_nothing_to_go_back_to_anywhere(run: Run) -> None:
    run.add(_at(NEW, JUNE))
    run.add()
    assert run.reasons() == [
        f"gpu-1: chat has no release before {NEW}",
        "gpu-2: chat has no release",
    ]
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    assert run.reasons() == []


def test_said_again_when_it_is_done(run: Run) -> None:
    """A run that was told to leave what nobody serves any more has nothing to do."""
    run.add(_at(OLD, MAY, JULY), _at(NEW, JUNE))
    assert run.reasons(leave=NEW) == run.reasons(leave="vllm-0.2-cuda") == []
    assert run.reasons(to=OLD) == []


def test_wish_for_what_nobody_knows(run: Run) -> None:
    run.add(_at(NEW, JUNE), _at(OLD, MAY))
    assert run.reasons(leave=f"{NEW},x", to="y") == [
        f"leave=x: no instance of this run has served that; served are {NEW}",
        f"to=y: no instance of this run has served that; before, it was {OLD}",
    ]
    run.hosts.clear()
    run.add()
    assert run.reasons(leave="x", to="y") == [
        "leave=x: no instance of this run has served that; served are no releases at all",
        "to=y: no instance of this run has served that; nothing served before",
    ]
