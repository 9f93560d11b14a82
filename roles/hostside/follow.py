"""
Follow the head of an instance over several hosts to a release, and back with it.

``follow.py JOB`` takes the plan of ``activate.py`` on every host but the head. Nothing is asked
here, since the head alone answers: its verdict counts. A host that hears nothing of the head for as
long as a start may take goes back to what it was on.
"""

from __future__ import annotations

import contextlib
import time
from typing import Any, Tuple
from uuid import uuid4

import activate
import failures
import gathering
import held
import history
import marks
import ranks
import service
from transaction import Transaction, described

_LOOK_EVERY_S = 1.0
# The head waits for offers as long, and may begin with its last breath.
_TAKEN_WITHIN_S = 180.0
# When all end at once, the head says why a moment later.
_VERDICT_WITHIN_S = 10.0


class Following(activate.Activation):
    """One run of a plan, as the head's goes."""

    def begin(self) -> Transaction:
        """Write down the offer, by a name that no other has."""
        if self.group is None or not self.group.rank:
            raise activate.StepError("this host is the head of no other", [], blamed=False)
        offer = {"id": uuid4().hex, "head": self.group.head}
        return Transaction.begin(self.plan, offer)

    def forward(self) -> None:
        """Offer, wait for the head, swap, restart, wait for its verdict, commit."""
        self.step("offer")
        self.wait_until(gathering.BEGUN, _TAKEN_WITHIN_S)
        self.wait_until(gathering.GO, None)
        self.step("swap")
        self.transaction.swap()
        self.step("restart")
        before, new = self.transaction.record["before"], self.about["unit"]
        serving = described(self.plan["instance"], before["release"])
        holding = held.of([serving, self.about], self.say)
        if before["unit"]:
            service.stop(before["unit"])
        service.stop(new)
        self.free_memory(holding)
        self.free_port()
        self.began = time.monotonic()
        service.begin(new)
        self.step("verdict")
        self.wait_for_verdict(new)
        self.step("commit")
        self.transaction.end("committed")
        marks.unmark(self.plan["instance"], self.plan["release"])
        with contextlib.suppress(OSError):
            history.note(self.transaction.record)
        activate.note(self.plan, self.serves())

    def serves(self) -> str:
        """Say what came of it: nobody was asked here."""
        return "serves with the head on {}".format(self.group_.head)

    def back(self, error: Exception) -> Any:
        """Return to what was; before the swap, that is what runs here still."""
        if "swap" in [step["step"] for step in self.transaction.record["steps"]]:
            return super().back(error)
        why = "{} was not begun: {}; nothing was changed".format(self.plan["release"], error)
        self.transaction.end("rolled back", why)
        activate.note(self.plan, why)
        return {"ok": False, "summary": why}

    @property
    def group_(self) -> ranks.Group:
        """The hosts of the instance; of a transaction that began there are some."""
        assert self.group is not None  # noqa: S101
        return self.group

    def wait_until(self, word: str, within_s: float | None) -> None:
        """Wait until the head has come so far, or further."""
        began = time.monotonic()
        while True:
            found, last = self.asked(began)
            if found in (gathering.GO, word):
                return
            if within_s is not None and time.monotonic() - began > within_s:
                why = "the head on {} has not begun with this host within {:.0f} s".format(
                    self.group_.head, within_s
                )
                raise activate.StepError(why, [], blamed=False)
            self.refuse_back(found, last)
            self.say("waiting for the head on {} ({})".format(self.group_.head, found))
            time.sleep(_LOOK_EVERY_S)

    def wait_for_verdict(self, unit: str) -> None:
        """Wait until the head has committed; see that what was started here goes on meanwhile."""
        began = time.monotonic()
        first = ended_at = None
        while True:
            found, last = self.asked(began)
            if found == gathering.COMMITTED:
                return
            self.refuse_back(found, last)
            now = service.shown(unit)
            runs = ranks.state(now) in ("activating", "active")
            first = first or (now.get("InvocationID") if runs else None)
            if runs and now.get("InvocationID") == first:
                ended_at = None
            else:
                ended_at = ended_at or time.monotonic()
                if time.monotonic() - ended_at > _VERDICT_WITHIN_S:
                    lines = failures.of_start(unit, self.began, self.about.get("engine"))
                    raise activate.StepError("its rank here ended", lines)
            self.say(
                "started; waiting for the verdict of the head on {}{}".format(
                    self.group_.head, ranks.waiting(self.plan["instance"])
                )
            )
            time.sleep(_LOOK_EVERY_S)

    def asked(self, began: float) -> Tuple[str, Any]:
        """Return the head's word; one that is silent for longer than a start may take is gone."""
        found, last = gathering.verdict(self.group_, self.transaction.record)
        if found != gathering.SILENT:
            self.heard = time.monotonic()
        silent_s = time.monotonic() - max(self.heard, began)
        if silent_s > self.about["ready_within_s"]:
            why = "the head on {} has said nothing for {:.0f} s".format(self.group_.head, silent_s)
            raise activate.StepError(why, [], blamed=False)
        return found, last

    def refuse_back(self, found: str, last: Any) -> None:
        """Go back when the head does, and blame what it blames."""
        if found == gathering.BACK:
            why = "the head on {} went back: {}".format(
                self.group_.head, last["why"] or "see there"
            )
            raise activate.StepError(why, [], blamed="mark bad" in last["steps"])

    heard = 0.0


if __name__ == "__main__":
    activate.perform(Following)
