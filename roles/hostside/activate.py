"""
Switch an instance to a staged release, question it, and switch back if it answers wrong.

``activate.py JOB`` runs the plan of a job to its end, whoever still watches: ``{"instance",
"release", "from": release that serves or null, "secrets": generation or null, "drain_within_s",
"who"}``.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any, List, Sequence, Tuple, Type

import ask
import audit
import back
import draining
import durable
import failures
import gathering
import held
import history
import jobs
import marks
import ports
import progress
import ranks
import recovery
import rotation
import service
from transaction import Transaction, about, current, described, ports_of


class StepError(Exception):
    """A step went wrong. ``blamed`` says that the release itself is at fault."""

    def __init__(self, why: str, evidence: List[str], blamed: bool = True) -> None:
        super().__init__(why)
        self.evidence, self.blamed = evidence, blamed


class Activation:
    """One run of a plan."""

    def __init__(self, plan: Any, say: Any) -> None:
        self.plan, self.say = plan, say
        self.about = about(plan["instance"], plan["release"])
        self.group = ranks.of(plan["instance"], self.about)
        self.others = ranks.Heard(self.group) if self.group else None
        self.lost: Tuple[str, bool] = ("", False)
        self.refuse_taken_port()
        silent = rotation.silent()
        if silent:
            why = "gateways would not stop sending: {}; systemctl restart metalserve-agent.socket"
            raise StepError(why.format(silent), [], blamed=False)
        self.transaction = self.begin()
        self.report: ask.Report = []
        self.began = time.monotonic()

    def begin(self) -> Transaction:
        """Write down what is and shall be, once every other host of it has offered to follow."""
        if self.group is None:
            return Transaction.begin(self.plan)
        if self.group.rank:
            why = "this host follows the head on {}".format(self.group.head)
            raise StepError(why, [], blamed=False)
        taken = gathering.offers(self.group, self.plan["release"], self.say)
        return Transaction.begin(self.plan, {"offers": taken})

    def run(self) -> Any:
        """Do all of it, one way or the other; return the job's result."""
        began = time.monotonic()
        try:
            self.forward()
        except Exception as error:  # whatever it was, the old release has to serve again
            return self.back(error)
        took = time.monotonic() - began
        summary = "{} {}, after {:.1f} s".format(self.plan["release"], self.serves(), took)
        return {"ok": True, "summary": summary, "report": self.report}

    def serves(self) -> str:
        """Say what came of it."""
        right = "{0} of {0} answers right".format(len(self.report))
        return "serves on port {}, {}".format(self.about["port"], right)

    def forward(self) -> None:
        """Drain, swap, restart, ask, commit."""
        before, new = self.transaction.record["before"], self.about["unit"]
        old, served = before["unit"], described(self.plan["instance"], before["release"])
        self.step("drain")
        rotation.leave(self.plan["instance"], "an activation is at work")
        if old and service.active(old):
            rotation.wait(self.say)
            draining.drain(self.plan, self.say)
        self.step("swap")
        self.transaction.swap()
        self.step("restart")
        holding = held.of([served, self.about], self.say)
        if old:
            service.stop(old)
        service.stop(new)
        self.free_memory(holding)
        self.free_port()
        self.start(new)
        self.step("ask")
        self.report = ask.ask_all(self.plan["instance"], self.plan["release"], self.say)
        wrong = ask.wrong(self.report)
        if wrong:
            why = "{} of {} answers wrong".format(len(wrong), len(self.report))
            known = failures.of_answers(new, self.began, self.about.get("engine"))
            raise StepError(why, [*wrong, *known])
        self.refuse_gone()
        self.step("commit")
        # What was asked is what is current, whatever hands did to links meanwhile.
        self.transaction.swap()
        self.transaction.end("committed")
        rotation.join(self.plan["instance"])
        marks.unmark(self.plan["instance"], self.plan["release"])
        with contextlib.suppress(OSError):
            history.note(self.transaction.record)
        note(self.plan, "serves")
        # Whoever waits for this one's end takes the next one out.
        rotation.wait(self.say)

    def step(self, name: str) -> None:
        """Journal a step and tell it to whoever watches."""
        self.transaction.step(name)
        self.say(name)

    def refuse_taken_port(self) -> None:
        """Look at its ports before anything is stopped, but for what the old release has."""
        instance = self.plan["instance"]
        # Whatever lost its description runs under the same unit, as far as can be known.
        serving = described(instance, current(instance)) or self.about
        runs = service.running(serving["unit"])
        self.free_port(but=ports_of(serving) if runs else [])

    def free_memory(self, holding: held.Held) -> None:
        """Wait until the devices' memory is free again: the new server plans with all of it."""
        left = holding.freed()
        if left:
            raise StepError(
                "the memory of its devices is still held after the old server was stopped",
                [*left, "end that process; if it cannot be ended, reboot the host"],
                blamed=False,
            )

    def free_port(self, but: Sequence[int] = ()) -> None:
        """Refuse a port that somebody else has: some engines would share it, without a word."""
        for port in ports_of(self.about):
            taken_by = ports.holder(port) if port not in but else ""
            if taken_by:
                raise StepError(
                    "port {} is held by {}".format(port, taken_by),
                    ["stop it, or give the instance another port"],
                    blamed=False,
                )

    def refuse_gone(self) -> None:
        """See that every other host of it still follows, and answers."""
        if self.others is None:
            return
        self.look()
        silent = gathering.silent(self.others.group)
        why, blamed = self.lost
        if why or silent:
            why = why or "{} does not answer any more".format(silent)
            away = silent or self.others.silent()
            told = ["it does as this host did, once it is back"] if away else []
            raise StepError(why, told, blamed=blamed)

    def look(self) -> str:
        """Return which of its hosts no longer follows, and keep it; empty when all do."""
        if self.others and not self.lost[0]:
            offers = self.transaction.record["group"]["offers"]
            self.lost = gathering.gone(self.others, offers, self.plan["release"])
        return self.lost[0]

    def start(self, unit: str) -> None:
        """Start the new release and wait until it is ready."""
        self.began = time.monotonic()

        def wait(passed: float) -> None:
            self.say("starting: {:.0f} s{}".format(passed, ranks.waiting(self.plan["instance"])))
            # Without one of them it would be waited for in vain.
            if not self.lost[0] and self.look():
                service.stop(unit)

        ready = service.start(unit, self.about["ready_within_s"], wait)
        if not ready:
            self.refuse_gone()
            lines = failures.of_start(unit, self.began, self.about.get("engine"))
            service.stop(unit)
            raise StepError("it did not become ready", lines)

    def back(self, error: Exception) -> Any:
        """Return to what was and say in which state the host is."""
        why = "{} failed: {}".format(self.plan["release"], str(error) or type(error).__name__)
        evidence = error.evidence if isinstance(error, StepError) else []
        # A release that served before is not made bad by failing to start again.
        again = self.transaction.record["before"]["release"] == self.plan["release"]
        if isinstance(error, StepError) and error.blamed and not again:
            with contextlib.suppress(OSError):
                self.transaction.step("mark bad")
                marks.mark(self.plan["instance"], self.plan["release"], why, evidence)
        state = back.put_back(self.transaction, why, self.say, self.others)
        note(self.plan, "failed: {}; {}".format(error, state))
        summary = "\n".join([why, *("  " + line for line in evidence), "state: " + state])
        return {"ok": False, "summary": summary, "report": self.report or None}


def refuse_other_start(plan: Any) -> None:
    """Go only from where the host was when the plan was made: another run may have come between."""
    serving = current(plan["instance"])
    if serving != plan["from"]:
        raise StepError(
            "{} is current, {} was when the plan was made; run again".format(
                serving or "nothing", plan["from"] or "nothing"
            ),
            [],
            blamed=False,
        )


def note(plan: Any, result: str) -> None:
    with contextlib.suppress(OSError):
        audit.note(plan["who"], "activate {instance} {release}".format(**plan), result)


def perform(kind: Type[Activation]) -> None:
    """Run the plan of the job whose folder is the program's argument."""
    folder = sys.argv[1]
    plan = durable.read_json(folder + "/plan.json")
    try:
        refuse_other_start(plan)
        recovery.finish(plan["instance"])
        activation = kind(plan, progress.Progress(folder).say)
    except (OSError, StepError, gathering.GatherError) as error:
        summary = "the activation cannot begin: {}; nothing was changed".format(error)
        result = {"ok": False, "summary": summary}
    else:
        result = activation.run()
    print(result["summary"], flush=True)
    jobs.finish(folder, result)


def main() -> None:
    """See the top of the file."""
    perform(Activation)


if __name__ == "__main__":
    main()
