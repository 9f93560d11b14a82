"""Whose turn it is: the floor holds whatever happens, and nobody is begun after too many failed."""

from collections import Counter
from typing import Any

import gevent
import pytest

from roles import control
from roles.fleet import plan
from roles.fleet.member import Member
from roles.fleet.rollout import NotBegunError, Rollout
from roles.fleet.waves import Wave
from roles.release import Move
from roles.spec import Fleet
from tests.roles.fleet.test_fleet_plan import Hosts
from tests.roles.spec.nouns import Nouns


@pytest.fixture
def hosts(nouns: Nouns) -> Hosts:
    return Hosts(nouns)


@pytest.fixture(autouse=True)
def _asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody has asked to stop, whatever another test did."""
    monkeypatch.setattr(control.stopping, "asked", lambda: False)


class Crowd:
    """Hosts that take their turns, and how few ever served meanwhile."""

    def __init__(self, members: list[Member], fleet: Fleet, until: str = "") -> None:
        self.rollout = Rollout(plan.made(members, fleet), until)
        self.out, self.fewest, self.at_once = Counter[str](), 10**6, 0
        self.begun: list[str] = []

    def take(self, name: str, *, well: bool = True, left: bool = True) -> str:
        """Have a host take its turn, that fails perhaps, and serves on or not then."""
        moves = list(self.rollout.plan.members[name].moves)
        if why := self.rollout.refusal(name, ()):
            return why
        try:
            with self.rollout.turn(name, moves) as turn:
                self.begun.append(name)
                for move in moves:
                    self._out(move)
                turn.well, turn.why = well, "chat did not come to new, and nothing serves it"
                turn.done = moves if well else []
                turn.serves = Counter(move.interrupts for move in moves if left and move.interrupts)
        except NotBegunError as refused:
            self.rollout.not_begun[name] = str(refused)
            return str(refused)
        return ""

    def _out(self, move: Move) -> None:
        self.out[move.interrupts or ""] += 1
        self.at_once = max(self.at_once, self.out.total())
        for model in self.rollout.plan.instances:
            left = self.rollout.serves[model] - self.out[model]
            self.fewest = min(self.fewest, left)
        gevent.sleep(0.002)
        self.out[move.interrupts or ""] -= 1

    def wave(self, number: int, **failing: dict[str, Any]) -> list[str]:
        """Have the hosts of a wave ask at the same time; return what each is told."""
        names = self.rollout.plan.waves[number - 1].hosts
        jobs = [gevent.spawn(self.take, name, **failing.get(name, {})) for name in names]
        gevent.joinall(jobs, raise_error=True)
        return [job.value for job in jobs]


def _all_at_once(**fields: Any) -> Fleet:
    return Fleet(canary=0, shares=(100,), **fields)


@pytest.mark.parametrize(("serving", "at_once"), [(75, 2), (50, 4), (0, 8), (99, 1)])
def test_floor(hosts: Hosts, serving: int, at_once: int) -> None:
    crowd = Crowd(hosts.many(8), _all_at_once(serving=serving))
    assert crowd.wave(1) == [""] * 8
    assert crowd.at_once == at_once
    assert crowd.fewest == 8 - at_once == 8 * serving // 100


def test_floor_after_failures(hosts: Hosts) -> None:
    """Two that stay down leave room for none: the rest is refused, and six of eight serve."""
    crowd = Crowd(hosts.many(8), _all_at_once(failures=8))
    dead = {"well": False, "left": False}
    told = crowd.wave(1, **{"gpu-1": dead, "gpu-2": dead})
    assert crowd.fewest == 6
    assert told[:2] == ["", ""]
    assert set(told[2:]) == {
        "6 of 8 instances serve qwen3-8b, and 6 have to at any time, so that none may be taken "
        "out; have more of them serve, or ask for fewer in the fleet's serving or at_least"
    }
    assert crowd.begun == ["gpu-1", "gpu-2"]


def test_who_went_back_still_serves(hosts: Hosts) -> None:
    crowd = Crowd(hosts.many(8), _all_at_once(failures=8))
    back = {"well": False}
    assert crowd.wave(1, **{"gpu-1": back, "gpu-2": back}) == [""] * 8
    assert crowd.fewest == 6


def test_model_by_model(hosts: Hosts, nouns: Nouns) -> None:
    """Hosts of one model wait for each other, not for those of another."""
    other = nouns.chat(weights=nouns.weights(name="draw"))
    (draw,) = other.instances
    move = hosts.move(draw)
    others = [
        hosts.one(f"draw-{n}", spec=other, moves=(move,), serves=Counter(["draw"]))
        for n in range(2)
    ]
    crowd = Crowd([*hosts.many(2), *others], _all_at_once())
    assert crowd.wave(1) == [""] * 4
    assert (crowd.at_once, crowd.fewest) == (2, 1)


def test_hosts_that_serve_together(hosts: Hosts) -> None:
    """They have one turn, in which the other follows at once; other pairs wait for both."""
    members = [one for number in range(3) for one in hosts.pair(number)]
    crowd = Crowd(members, _all_at_once(at_least={hosts.model: 2}))
    assert crowd.wave(1) == [""] * 6
    assert (crowd.fewest, crowd.at_once) == (2, 2)
    at_work = [{*crowd.begun[at : at + 2]} for at in (0, 2, 4)]
    assert at_work == [{f"head-{n}", f"rank-{n}"} for n in range(3)]


def test_several_instances_of_a_model_on_a_host(hosts: Hosts) -> None:
    """One of them serves while the other is out; so that one host alone may be upgraded."""
    twice = Counter({hosts.model: 2})
    member = hosts.one("gpu-1", moves=(hosts.move(), hosts.move()), serves=twice)
    made = plan.Plan(_all_at_once(), {"gpu-1": member}, twice, waves=(Wave("", ("gpu-1",)),))
    crowd = Crowd([], Fleet())
    crowd.rollout = Rollout(made)
    assert crowd.wave(1) == [""]
    assert crowd.fewest == 1
    assert crowd.rollout.serves[hosts.model] == 2


def test_gate(hosts: Hosts) -> None:
    """More may not fail than the budget; who is in the wave already is refused, too."""
    crowd = Crowd(hosts.many(8), Fleet(shares=(100,), failures=1, serving=99))
    assert crowd.wave(1, **{"gpu-1": {"well": False}}) == [""]
    told = crowd.wave(2, **{"gpu-2": {"well": False}})
    assert told[0] == ""
    assert set(told[1:]) == {
        "2 hosts failed (gpu-1: in wave 1, chat did not come to new, and nothing serves it; gpu-2: "
        "in wave 2, chat did not come to new, and nothing serves it), the budget is 1; nothing was "
        "changed here; look there first, then run again"
    }
    assert crowd.begun == ["gpu-1", "gpu-2"]
    assert crowd.rollout.wrong("gpu-1").startswith("failed: in wave 1, chat did not come to new")
    assert crowd.rollout.wrong("gpu-3").startswith("not begun: 2 hosts failed (gpu-1: ")
    assert set(crowd.rollout.not_begun) == {f"gpu-{n}" for n in range(3, 9)}


def test_who_failed_before_its_turn_counts(hosts: Hosts) -> None:
    crowd = Crowd(hosts.many(4), Fleet())
    why = crowd.rollout.refusal("gpu-1", ["gpu-3", "another"])
    assert why.startswith("1 host failed (gpu-3: failed before its turn), the budget is 0; ")


def test_hosts_that_serve_nothing_are_not_held_up(hosts: Hosts) -> None:
    """There is nothing to protect; but what fails there protects those that serve."""
    members = [hosts.fresh("new-1"), hosts.fresh("new-2"), *hosts.many(2)]
    crowd = Crowd(members, Fleet())
    dead = {"well": False, "left": False}
    assert crowd.wave(1, **{"new-1": dead}) == ["", ""]
    assert set(crowd.begun) == {"new-1", "new-2"}
    assert crowd.wave(2)[0].startswith("1 host failed (new-1: in wave 1, ")


def test_new_hosts_make_room(hosts: Hosts) -> None:
    members = [hosts.fresh("new-1"), *hosts.many(1)]
    crowd = Crowd(members, Fleet(at_least={hosts.model: 1}))
    assert [crowd.wave(1), crowd.wave(2)] == [[""], [""]]
    assert crowd.rollout.serves[hosts.model] == 2


@pytest.mark.parametrize(
    ("until", "begun"), [("canary", 1), ("1", 1), ("2", 2), ("3", 4), ("9", 4), ("", 4)]
)
def test_pause(hosts: Hosts, until: str, begun: int) -> None:
    """Who is paused has not failed."""
    crowd = Crowd(hosts.many(4), Fleet(shares=(50, 100)), until)
    told = [words for number in (1, 2, 3) for words in crowd.wave(number)]
    assert len(crowd.begun) == begun
    assert [bool(words) for words in told] == [False] * begun + [True] * (4 - begun)
    if begun < 4:
        assert told[-1] == "paused before wave 3 of 3, as you asked; run again to go on"
        assert crowd.rollout.wrong("gpu-4") == ""


def test_pause_after_canaries_that_are_there(hosts: Hosts) -> None:
    """Asked for once more, it does not go on without being told to."""
    crowd = Crowd([hosts.done("gpu-0"), *hosts.many(3)], Fleet(), "canary")
    assert {*crowd.wave(1)} == {"paused before wave 1 of 1, as you asked; run again to go on"}


def test_stopped(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who waits for a turn is not begun any more; who has one ends it."""
    crowd = Crowd(hosts.many(4), _all_at_once())

    def out(move: Move) -> None:
        monkeypatch.setattr(control.stopping, "asked", lambda: True)
        gevent.sleep(0.01)

    crowd._out = out  # type: ignore[method-assign]
    told = crowd.wave(1)
    assert (told[0], len(crowd.begun)) == ("", 1)
    assert set(told[1:]) == {"stopped as you asked; run again to go on from here"}


def test_stopped_before_its_wave(hosts: Hosts, monkeypatch: pytest.MonkeyPatch) -> None:
    """The report tells of whom the run did not come to; not of those that were done."""
    crowd = Crowd([hosts.done("gpu-0"), *hosts.many(3)], Fleet(shares=(50, 100)))
    (first,) = crowd.rollout.plan.waves[0].hosts
    crowd.wave(1)
    monkeypatch.setattr(control.stopping, "asked", lambda: True)
    told = {name: crowd.rollout.untouched(name) for name in crowd.rollout.plan.members}
    assert [name for name, why in told.items() if not why] == ["gpu-0", first]
    assert set(told.values()) == {"", "stopped as you asked; run again to go on from here"}


def test_stopped_while_it_waits(hosts: Hosts) -> None:
    """Whatever waits ends at once, and the report tells that the host was not begun."""
    crowd = Crowd(hosts.many(2), _all_at_once())
    with crowd.rollout.turn("gpu-1", list(crowd.rollout.plan.members["gpu-1"].moves)):
        waits = gevent.spawn(crowd.take, "gpu-2")
        gevent.sleep(0)
        waits.kill()
    assert crowd.begun == []
    assert crowd.rollout.not_begun == {
        "gpu-2": "stopped as you asked; run again to go on from here"
    }


def test_back(hosts: Hosts) -> None:
    """What was switched, also on a host whose second instance failed; never two at a time."""
    fleet = Fleet(shares=(50, 100), on_refusal="back")
    crowd = Crowd(hosts.many(4), fleet)
    crowd.wave(1)
    assert crowd.rollout.back("gpu-1") == []
    crowd.wave(2, **{"gpu-2": {"well": False}})
    crowd.wave(3)
    (move,) = crowd.rollout.back("gpu-1")
    assert (move.release, move.serving) == ("old", "new")
    assert [crowd.rollout.back(f"gpu-{n}") for n in (2, 3, 4)] == [[], [], []]
    with crowd.rollout.turn("gpu-1", [move], back=True) as turn:
        turn.well, turn.done = True, [move]
    assert crowd.rollout.serves[hosts.model] == 4
    assert crowd.rollout.wrong("gpu-1") == ""


def test_stays_unless_asked_to_go_back(hosts: Hosts) -> None:
    crowd = Crowd(hosts.many(4), Fleet(shares=(50, 100)))
    crowd.wave(1)
    crowd.wave(2, **{"gpu-2": {"well": False}})
    assert crowd.rollout.over_budget
    assert crowd.rollout.back("gpu-1") == []


def test_hosts_that_come_in_no_order(hosts: Hosts) -> None:
    """With pyinfra's --serial each host goes through all waves alone."""
    stays = Crowd(hosts.many(3), Fleet(shares=(50, 100)))
    back = Crowd(hosts.many(3), Fleet(shares=(50, 100), on_refusal="back"))
    assert [stays.take(f"gpu-{n}") for n in (3, 1, 2)] == ["", "", ""]
    assert [back.take(f"gpu-{n}")[:44] for n in (3, 1, 2)] == [
        "the waves before are not over, and nothing c"
    ] * 3


def test_exception_is_a_failure(hosts: Hosts) -> None:
    crowd = Crowd(hosts.many(2), _all_at_once())
    with pytest.raises(OSError, match="gone"), crowd.rollout.turn("gpu-1", []):
        raise OSError("gone")
    assert crowd.rollout.failed == {"gpu-1": "it was lost"}
    assert crowd.rollout.serves[hosts.model] == 1


def test_settled(hosts: Hosts) -> None:
    crowd = Crowd(hosts.many(2), Fleet(settle_s=60))
    crowd.wave(1)
    assert 55 < crowd.rollout.settled_in_s() <= 60
