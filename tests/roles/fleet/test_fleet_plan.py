"""Which hosts come in which wave, and which cannot be begun."""

import time
from collections import Counter
from typing import Any

import pytest

from roles.fleet import plan
from roles.fleet.member import Member
from roles.fleet.plan import Plan
from roles.release import Move
from roles.spec import Fleet, HostSpec, Instance
from tests.roles.spec.nouns import Nouns


class Hosts:
    """Makes hosts that serve the release before, but for what is asked."""

    def __init__(self, nouns: Nouns) -> None:
        self.spec = nouns.chat()
        (self.chat,) = self.spec.instances
        self.model = self.chat.served_as

    def move(self, instance: Instance | None = None, **fields: Any) -> Move:
        one = instance or self.chat
        right = {"interrupts": one.served_as, "brings": one.served_as}
        return Move(one, **{"release": "new", "serving": "old", **right, **fields})

    def pair(self, number: int) -> list[Member]:
        """Return two hosts that serve together, of which one answers for both."""
        names = f"head-{number}", f"rank-{number}"
        silent = self.move(interrupts=None, brings=None)
        return [
            self.one(names[0], together=frozenset(names)),
            self.one(names[1], together=frozenset(names), moves=(silent,), serves=Counter()),
        ]

    def one(
        self, name: str, *, rack: str | None = None, kind: str = "gpu", **fields: Any
    ) -> Member:
        """Return a host that the change is to come to."""
        spec = fields.pop("spec", self.spec).model_copy(update={"rack": rack})
        right: dict[str, Any] = {"moves": (self.move(),), "serves": Counter([self.model])}
        return Member(name, spec, kind, **right | fields)

    def done(self, name: str, **fields: Any) -> Member:
        """Return a host that has it."""
        return self.one(name, moves=(), **fields)

    def fresh(self, name: str, **fields: Any) -> Member:
        """Return a host that serves nothing yet."""
        move = self.move(serving=None, interrupts=None)
        return self.one(name, **{"moves": (move,), "serves": Counter(), **fields})

    def many(self, count: int, **fields: Any) -> list[Member]:
        return [self.one(f"gpu-{n}", **fields) for n in range(1, count + 1)]


@pytest.fixture
def hosts(nouns: Nouns) -> Hosts:
    return Hosts(nouns)


def waves(made: Plan) -> list[list[str]]:
    """Return the title of each wave, and the hosts in it."""
    return [[wave.title, *wave.hosts] for wave in made.waves]


def counts(made: Plan) -> list[int]:
    return [len(wave.hosts) for wave in made.waves]


@pytest.mark.parametrize(
    ("hosts_there", "fleet", "sizes"),
    [
        (0, Fleet(), []),
        (1, Fleet(), [1]),
        (2, Fleet(), [1, 1]),
        (4, Fleet(), [1, 3]),
        (10, Fleet(), [1, 2, 7]),
        (100, Fleet(), [1, 9, 20, 70]),
        (10, Fleet(canary=3), [3, 7]),
        (10, Fleet(canary=0), [1, 2, 7]),
        (4, Fleet(canary=0, shares=(100,)), [4]),
        (8, Fleet(shares=(25, 50, 75, 100)), [1, 1, 2, 2, 2]),
    ],
)
def test_shares(hosts: Hosts, hosts_there: int, fleet: Fleet, sizes: list[int]) -> None:
    """Never more than a share, of all that are to have it."""
    assert counts(plan.made(hosts.many(hosts_there), fleet)) == sizes


def test_words(hosts: Hosts) -> None:
    made = plan.made(hosts.many(4), Fleet(shares=(50, 100)))
    assert waves(made) == [
        ["canary", "gpu-1"],
        ["to 50 %", "gpu-2"],
        ["the rest", "gpu-3", "gpu-4"],
    ]
    assert [made.wave_of(f"gpu-{n}") for n in range(6)] == [None, 1, 2, 3, 3, None]


def test_a_canary_of_each_kind_and_model(hosts: Hosts, nouns: Nouns) -> None:
    """What one kind of hardware, or one model, has proven says nothing of another."""
    other = nouns.chat(weights=nouns.weights(name="draw"))
    members = [
        *(hosts.one(f"a-{n}", kind="8 × H200") for n in range(3)),
        *(hosts.one(f"b-{n}", kind="8 × 910B4") for n in range(3)),
        *(hosts.one(f"c-{n}", kind="8 × H200", spec=other) for n in range(3)),
    ]
    made = plan.made(members, Fleet(shares=(100,)))
    assert waves(made)[0] == ["canary", "a-0", "b-0", "c-0"]


def test_canaries_are_in_different_racks(hosts: Hosts) -> None:
    members = [hosts.one(f"gpu-{n}", rack=f"r{n // 4}") for n in range(8)]
    made = plan.made(members, Fleet(canary=2))
    assert waves(made)[0] == ["canary", "gpu-0", "gpu-4"]


def test_each_wave_has_its_part_of_each_rack_and_kind(hosts: Hosts) -> None:
    """However they are listed; so that no rack is out as a whole."""
    members = [
        hosts.one(f"{kind}-{rack}-{n}", rack=rack, kind=kind)
        for kind, count in (("h200", 20), ("rtx", 10))
        for rack in ("r1", "r2")
        for n in range(count)
    ]
    made = plan.made(members, Fleet(canary=0, shares=(50, 100)))
    first = Counter(name.rsplit("-", 1)[0] for name in made.waves[0].hosts)
    assert first == {"h200-r1": 10, "h200-r2": 10, "rtx-r1": 5, "rtx-r2": 5}


def test_what_interrupts_nobody_comes_first(hosts: Hosts) -> None:
    """All at once, and it proves nothing for hosts that serve."""
    members = [*hosts.many(3), *(hosts.fresh(f"new-{n}") for n in range(3))]
    made = plan.made(members, Fleet())
    assert waves(made) == [
        ["nothing is interrupted", "new-0", "new-1", "new-2"],
        ["canary", "gpu-1"],
        ["the rest", "gpu-2", "gpu-3"],
    ]


def test_resumed(hosts: Hosts) -> None:
    """Who has it counts as done: no other canary, and the shares go on."""
    members = [hosts.done("gpu-0"), hosts.done("gpu-1"), *hosts.many(8)[2:]]
    made = plan.made(members, Fleet(shares=(50, 100)))
    assert waves(made) == [
        ["to 50 %", "gpu-3", "gpu-4"],
        ["the rest", "gpu-5", "gpu-6", "gpu-7", "gpu-8"],
    ]
    assert made.there == 2


def test_who_stays_with_what_others_leave_proves_nothing(hosts: Hosts) -> None:
    """On a rollback, a new host that has nothing before."""
    stays = hosts.done("gpu-0", goal=(("chat", "old"),))
    made = plan.made([stays, *hosts.many(2)], Fleet(shares=(100,)))
    assert (waves(made)[0], made.there) == (["canary", "gpu-1"], 0)
    again = [hosts.one("gpu-1", moves=(hosts.move(release="old"),)), hosts.one("gpu-2")]
    there = hosts.done("gpu-0", goal=(("chat", "new"),))
    assert plan.made([there, *again], Fleet()).there == 1


def test_another_change_proves_nothing(hosts: Hosts, nouns: Nouns) -> None:
    """Of hosts with the same stack and weights, those with other options are as they were."""
    options = nouns.chat().instances[0].options.model_copy(update={"max_num_seqs": 3})
    other = nouns.chat(options=options)
    members = [hosts.done("a"), *(hosts.one(f"b-{n}", spec=other) for n in range(3))]
    made = plan.made(members, Fleet())
    assert (waves(made)[0], made.there) == (["canary", "b-0"], 0)


def test_one_of_another_kind_is_still_a_canary(hosts: Hosts) -> None:
    members = [hosts.done("gpu-1"), hosts.one("gpu-2"), hosts.one("npu-1", kind="8 × 910B4")]
    assert waves(plan.made(members, Fleet())) == [["canary", "npu-1"], ["the rest", "gpu-2"]]


def test_left_and_refused_are_in_no_wave(hosts: Hosts) -> None:
    members = [
        *hosts.many(4),
        hosts.one("out", left="a fan is loud", serves=Counter()),
        hosts.one("mute", moves=(), refused="not known"),
    ]
    made = plan.made(members, Fleet(serving=50))
    assert [made.wave_of(name) for name in ("out", "mute", "gpu-1")] == [None, None, 1]
    assert made.members["mute"].refused == "not known"


def test_floor_that_could_never_be_kept(hosts: Hosts) -> None:
    """Said before anything is begun: three of four have to serve, and one of four is silent."""
    made = plan.made(hosts.many(3), Fleet(), {"gpu-4": hosts.spec})
    assert made.waves == ()
    assert {one.refused for one in made.members.values()} == {
        "3 of 4 instances serve qwen3-8b, and 3 have to at any time, so that none may be taken "
        "out; have more of them serve, or ask for fewer in the fleet's serving or at_least"
    }
    assert made.silent == ("gpu-4",)


def test_hosts_that_the_run_leaves_out(hosts: Hosts) -> None:
    """They are believed to serve where a number has to, and make no difference to a per cent."""
    fleet, elsewhere = Fleet(at_least={hosts.model: 3}), dict.fromkeys("xyz", hosts.spec)
    assert plan.made(hosts.many(1), fleet).waves == ()
    assert counts(plan.made(hosts.many(1), fleet, left_out=elsewhere)) == [1]
    assert counts(plan.made(hosts.many(1), Fleet(), left_out=elsewhere)) == [1]
    assert plan.made(hosts.many(2), Fleet(), left_out=elsewhere).floor(hosts.model) == 1


def test_floor_that_new_hosts_make_room_for(hosts: Hosts) -> None:
    """Two more serve once the first wave is done."""
    members = [*hosts.many(2), hosts.fresh("new-1"), hosts.fresh("new-2")]
    made = plan.made(members, Fleet(at_least={hosts.model: 2}))
    assert [len(wave.hosts) for wave in made.waves] == [2, 1, 1]
    assert not any(one.refused for one in made.members.values())


def test_several_models_on_a_host(hosts: Hosts, nouns: Nouns) -> None:
    """The one that is short refuses the whole host; a host with the other alone is begun."""
    draw = nouns.chat(name="draw", weights=nouns.weights(name="draw"), port=8001, devices=(1,))
    both = HostSpec(accelerator=hosts.spec.accelerator, instances=(hosts.chat, draw.instances[0]))
    moves = (hosts.move(), hosts.move(draw.instances[0]))
    serves = Counter([hosts.model, "draw"])
    members = [
        hosts.one("both-1", spec=both, moves=moves, serves=serves),
        hosts.one("both-2", spec=both, moves=moves, serves=serves),
        hosts.one("chat"),
    ]
    assert members[0].interrupts == {hosts.model, "draw"}
    made = plan.made(members, Fleet(at_least={"draw": 2}))
    assert made.members["both-1"].refused.startswith("2 of 2 instances serve draw, and 2 have to")
    assert waves(made) == [["canary", "chat"]]


def test_the_only_one_may_be_upgraded(hosts: Hosts) -> None:
    assert waves(plan.made(hosts.many(1), Fleet())) == [["canary", "gpu-1"]]


def test_model_that_is_given_up_needs_no_floor(hosts: Hosts) -> None:
    """Clients will ask for another name: nobody has to serve the old one."""
    move = hosts.move(interrupts="old-name")
    members = [hosts.one("gpu-1", moves=(move,), serves=Counter(["old-name"]))]
    assert waves(plan.made(members, Fleet())) == [["canary", "gpu-1"]]


def test_hosts_that_serve_together_are_begun_together(hosts: Hosts) -> None:
    """In one wave, whole: a share that has no room for both has room for none."""
    members = [one for number in range(3) for one in hosts.pair(number)]
    made = plan.made(members, Fleet(shares=(60, 100), at_least={hosts.model: 2}))
    assert waves(made) == [
        ["canary", "head-0", "rank-0"],
        ["the rest", "head-1", "rank-1", "head-2", "rank-2"],
    ]
    assert made.unit("rank-1") == {"head-1", "rank-1"}


def test_none_without_those_that_it_serves_together_with(hosts: Hosts) -> None:
    pair = frozenset({"head", "rank"})
    for other in ([], [hosts.one("rank", moves=(), refused="not known", together=pair)]):
        made = plan.made([hosts.one("head", together=pair), *other], Fleet())
        assert made.waves == ()
        assert made.members["head"].refused == (
            "it serves together with rank, which cannot be begun; mend that first"
        )


def test_hosts_that_serve_together_are_left_alone_together(hosts: Hosts) -> None:
    pair = frozenset({"head", "rank"})
    rank = hosts.one("rank", left="chat is out of rotation: a fan is loud", together=pair)
    made = plan.made([hosts.one("head", together=pair), rank], Fleet())
    assert made.waves == ()
    head = made.members["head"]
    assert not head.refused
    assert head.left == "rank, which serves with it, is: chat is out of rotation: a fan is loud"
    assert made.members["rank"].left == rank.left


def test_same_plan_for_whoever_asks(hosts: Hosts) -> None:
    members = [hosts.one(f"gpu-{n}", rack=f"r{n % 7}", kind=f"k{n % 3}") for n in range(100)]
    assert plan.made(members, Fleet()) == plan.made(list(members), Fleet())


def test_a_thousand_hosts(hosts: Hosts) -> None:
    """Planned in well under a second, each in one wave."""
    members = [
        hosts.one(f"gpu-{n}", rack=f"r{n % 40}", kind=f"{n % 3} × H200") for n in range(1000)
    ]
    began = time.process_time()
    made = plan.made(members, Fleet())
    names = [name for wave in made.waves for name in wave.hosts]
    assert [made.wave_of(name) is not None for name in names] == [True] * 1000
    took = time.process_time() - began
    assert (len(names), len(set(names))) == (1000, 1000)
    assert counts(made) == [3, 97, 200, 700]
    assert took < 0.5
