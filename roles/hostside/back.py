"""
The way back of an activation: what was serves again, and answers right.

Without all of its hosts one that is served by several begins once they are there, and nobody waits
for that.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Callable

import ask
import failures
import held
import ranks
import rotation
import served
import service
from transaction import Transaction, described

LONGEST_S = 4 * 3600.0
# No gateway sends it requests until it was mended.
BROKEN = "broken"
WAITS = "waits for its hosts"


class _Starting:
    """A start of what was, which is given up when one of its hosts is lost."""

    def __init__(
        self,
        transaction: Transaction,
        about: Any,
        heard: ranks.Heard | None,
        say: Callable[[str], None],
    ) -> None:
        before = transaction.record["before"]
        self.instance, self.say = transaction.instance, say
        self.release, self.unit = before["release"], before["unit"]
        group = ranks.of(self.instance, about)
        # The hosts may be others than those of the release that failed.
        known = heard and group and heard.group.addresses == group.addresses
        self.heard = heard if known else ranks.Heard(group) if group else None
        self.lost = ""

    def wait(self, passed: float) -> None:
        """Hear the seconds that it takes."""
        waits = ranks.waiting(self.instance)
        self.say("starting {} again: {:.0f} s{}".format(self.release, passed, waits))
        if self.heard and not self.lost:
            self.lost = self.heard.lost()
            if self.lost:
                service.stop(self.unit)


def put_back(transaction: Transaction, why: str, say: Any, heard: ranks.Heard | None = None) -> str:
    """
    Let what was serve again; return the state that the host is in then.

    :param heard: what is known already of hosts that do not answer
    """

    def step(name: str) -> None:
        # A full disk must not keep the old release from serving: the record on disk, however
        # old, says the same as this step does.
        with contextlib.suppress(OSError):
            transaction.step(name)
        say(name)

    before, after = transaction.record["before"], transaction.record["after"]
    release, unit = before["release"], before["unit"]
    # Who follows this host hears why before it is over.
    transaction.record["why"] = why
    step("swap back")
    failed = described(transaction.instance, transaction.record["release"])
    holding = held.of([failed], say)
    service.stop(after["unit"])
    try:
        transaction.swap_back()
    except OSError as error:
        # Without an outcome: the next activation or the next boot tries again.
        return "the links could not be put back: {}; NOTHING SERVES {}".format(
            error, transaction.instance
        )
    if transaction.first:
        state = "no release served before, so nothing serves {}".format(transaction.instance)
        return end(transaction, "nothing serves", why, state)
    step("restart back")
    about = described(transaction.instance, release) or {}
    if follows(transaction.instance, about):
        holding.freed()
        # It waits for the head, as long as that may take, and begins when that does.
        service.begin(unit)
        state = "{} is current again and begins with its head".format(release)
        return end(transaction, "rolled back", why, state)
    # Whoever still holds memory is told; what served before is tried all the same.
    left = holding.freed()
    began = time.monotonic()
    starting = _Starting(transaction, about, heard, say)
    if not service.start(unit, about.get("ready_within_s", LONGEST_S), starting.wait):
        lines = "; ".join([*left, *failures.of_start(unit, began, about.get("engine"))])
        if about.get("across"):
            # It begins by itself when the last of its hosts is there.
            service.begin(unit)
        if starting.lost:
            state = "{} is current again and begins once all of its hosts are there ({})"
            return end(transaction, WAITS, why, state.format(release, starting.lost))
        state = "{} is current again but DOES NOT START: {}".format(release, lines)
        return end(transaction, BROKEN, why, state)
    step("ask back")
    return ask_back(transaction, why, say)


def ask_back(transaction: Transaction, why: str, say: Any) -> str:
    """Question what runs again, and end the transaction by what it answers."""
    release = transaction.record["before"]["release"]
    try:
        wrong = ask.wrong(ask.ask_all(transaction.instance, release, say))
    except (*served.NO_ANSWER, KeyError) as error:
        state = "{} runs again but CANNOT BE ASKED: {}".format(release, error)
        return end(transaction, BROKEN, why, state)
    if wrong:
        state = "{} runs again but ANSWERS WRONG: {}".format(release, "; ".join(wrong))
        return end(transaction, BROKEN, why, state)
    state = "{} serves again and answers right".format(release)
    return end(transaction, "rolled back", why, state)


def end(transaction: Transaction, outcome: str, why: str, state: str) -> str:
    if outcome != BROKEN:
        rotation.join(transaction.instance)
    with contextlib.suppress(OSError):
        transaction.end(outcome, why)
    return state


def follows(instance: str, about: Any) -> bool:
    """Say whether a release is served by another host with this one's help."""
    try:
        group = ranks.of(instance, about)
    except OSError:
        # None of its addresses is here now: nothing here could answer for it either.
        return True
    return group is not None and group.rank > 0
