"""One thing that is done to hosts in the middle of a run, and what has to come of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.lab.faults.trial import Trial

FORWARD = ("begin", "drain", "swap", "restart", "ask", "commit")
BACK = ("mark bad", "swap back", "restart back", "ask back")
STEPS = (*FORWARD, *BACK)

WRONG: Mapping[str, object] = {"answer": "no"}
"""What a release wants of the stand-in that is to go back."""

AT_ONCE = "Fleet(canary=0, shares=(100,), serving=0)"
"""How a fleet is told not to care for who serves meanwhile."""

OLD, NEW, NOTHING = "old", "new", "nothing"


class Kind(StrEnum):
    """What the run was to do."""

    FIRST = "first release"
    UPGRADE = "upgrade"
    ROLLBACK = "rollback"


@dataclass(frozen=True, kw_only=True)
class Injection:
    """
    One row of the table.

    :param what: is done, in operators' words
    :param at: the step or file that the hosts which are hit stand still at while it is done
    :param when: the same in operators' words, where it is not a step
    :param does: it, from the start of the run to its end
    :param alone: whether other hosts would notice, so that no other trial is held meanwhile
    :param served: on each host that was hit, after ``then``
    :param other: served on the second host, which was not hit; empty when both were, or is alone
    :param which: the hosts that are hit, by their places, where that is neither all nor the first
    :param each: served on each host, in order, where they differ
    :param code: exit code of the run; ``None`` when it was killed
    :param says: words that the run has to say
    :param wish: how the stand-in of the new release misbehaves
    :param changed: fields of the instance that the new release changes
    :param brings: ``stack`` or ``weights``, where the new release comes with another
    :param fleet: how it comes to the hosts, as Python
    :param left: what has to be found half done, until it is run again
    :param then: what is done about it before the hosts are looked at
    :param mended: the same in operators' words
    """

    name: str
    what: str
    does: Callable[[Trial], None]
    at: str = ""
    when: str = ""
    hosts: int = 1
    alone: bool = False
    kind: Kind = Kind.UPGRADE
    served: str = OLD
    other: str = ""
    which: tuple[int, ...] = ()
    each: tuple[str, ...] = ()
    code: int | None = 1
    says: tuple[str, ...] = ()
    wish: Mapping[str, object] = field(default_factory=dict)
    changed: Mapping[str, object] = field(default_factory=dict)
    brings: str = ""
    fleet: str = AT_ONCE
    left: tuple[str, ...] = ()
    then: Callable[[Trial], None] | None = None
    mended: str = ""

    @property
    def moment(self) -> str:
        """When it is done."""
        return self.when or self.at

    @property
    def blamed(self) -> bool:
        """Whether the release itself is not to be wanted again."""
        return bool(self.wish or self.changed) or self.kind is Kind.ROLLBACK
