"""How a change comes to the hosts of an inventory: in which steps, and when it stops."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from itertools import pairwise

from pydantic import Field

from roles.spec.base import Fault, Spec


class OnRefusal(StrEnum):
    """What becomes of hosts that have the new release when the others are not to get it."""

    STAY = "stay"
    BACK = "back"


class Fleet(Spec):
    """
    How instances that serve come to another release: some hosts first, then more, and no more once
    too many have failed. Hosts on which nothing serves yet are not waited for.

    :param canary: how many hosts of each kind of hardware and of each stack and model come first
    :param shares: how many hosts have it after each wave that follows, in per cent of those that
        are to have it; the last is 100
    :param failures: how many hosts may fail in a run before the rest is left untouched
    :param serving: how many instances of a model have to serve at any time, in per cent, rounded
        down; what serves on hosts that ``--limit`` leaves out is not counted
    :param at_least: the same as a number, for models by the names that clients ask for
    :param on_refusal: whether hosts that a run has switched ``stay`` or go ``back`` when the rest
        is left untouched
    :param settle_s: seconds between waves; a host that no longer serves after them has failed
    """

    canary: int = Field(default=1, ge=0)
    shares: tuple[int, ...] = Field(default=(10, 30, 100), min_length=1)
    failures: int = Field(default=0, ge=0)
    serving: int = Field(default=75, ge=0, le=99)
    at_least: dict[str, int] = Field(default_factory=dict)
    on_refusal: OnRefusal = OnRefusal.STAY
    settle_s: int = Field(default=0, ge=0, le=86400)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        shares = (0, *self.shares)
        if any(before >= after for before, after in pairwise(shares)) or shares[-1] != 100:
            yield Fault(
                path="shares",
                wrong=f"is {self.shares}",
                right="should grow from wave to wave up to 100, as in (10, 30, 100)",
            )
        for model, count in self.at_least.items():
            if count < 0:
                yield Fault(
                    path=f"at_least/{model}", wrong=f"is {count}", right="should be 0 or more"
                )

    def unkept(self, instances: Mapping[str, int]) -> Iterator[Fault]:
        """What cannot be kept with so many instances of each model as there are."""
        for model, count in self.at_least.items():
            if model not in instances:
                yield Fault(
                    path=f"at_least/{model}",
                    wrong="is served by no instance",
                    right=f"should be one of {', '.join(sorted(instances)) or 'no models at all'}",
                )
            elif count >= instances[model]:
                yield Fault(
                    path=f"at_least/{model}",
                    wrong=f"is {count} of {instances[model]}, so that none could ever be upgraded",
                    right=f"should be {instances[model] - 1} or fewer",
                )

    def floor(self, model: str, instances: int) -> int:
        """Return how many of a model's instances have to serve at any time."""
        return self.at_least.get(model, instances * self.serving // 100)
