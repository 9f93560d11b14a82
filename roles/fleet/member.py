"""A host of a run, as a plan sees it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from roles.release import Move
from roles.spec import HostSpec

What = tuple[Any, ...]


@dataclass(frozen=True)
class Member:
    """
    A host of the run.

    :param kind: of hardware
    :param goal: the release that each of its instances is to serve in the end, or serves
    :param moves: what has to be done for it
    :param serves: how many instances of each model clients get answers from now
    :param left: why it is left alone, which is no failure
    :param refused: why it cannot be begun, which is one
    :param together: hosts that serve an instance together with it: they are begun at the same time
    """

    name: str
    spec: HostSpec
    kind: str
    goal: tuple[tuple[str, str], ...] = ()
    moves: tuple[Move, ...] = ()
    serves: Mapping[str, int] = field(default_factory=dict)
    left: str = ""
    refused: str = ""
    together: frozenset[str] = frozenset()

    @property
    def begun(self) -> bool:
        """Whether anything is to be done there in this run."""
        return bool(self.moves) and not (self.left or self.refused)

    @cached_property
    def interrupts(self) -> frozenset[str]:
        """Models of which one instance is out at a time while the host has its turn."""
        return frozenset(move.interrupts for move in self.moves if move.interrupts)

    @cached_property
    def runs(self) -> What:
        """What a canary of it proves: hardware, stacks and weights."""
        return self.kind, tuple((one.stack.name, one.weights.name) for one in self.spec.instances)

    @cached_property
    def change(self) -> What:
        """What it has in common with hosts to which the same change comes."""
        options = tuple((one.name, repr(one.options)) for one in self.spec.instances)
        return *self.runs, options


Unit = tuple[Member, ...]
"""Hosts that are begun at the same time."""
