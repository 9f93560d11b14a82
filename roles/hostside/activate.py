"""
Switch an instance to a staged release, question it, and switch back if it answers wrong.

``activate.py JOB`` runs the plan of a job to its end, whoever still watches: ``{"instance",
"release", "from": release that serves or null, "secrets": generation or null, "drain_within_s",
"who"}``.
"""

from __future__ import annotations

import contextlib
import os
import sys
import time
from typing import Any, List

import ask
import audit
import durable
import failures
import jobs
import places
import ports
import progress
import recovery
import service
from transaction import Transaction, about, current

_LOOK_EVERY_S = 0.5


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
        self.refuse_taken_port()
        self.transaction = Transaction.begin(plan)
        self.report: ask.Report = []

    def run(self) -> Any:
        """Do all of it, one way or the other; return the job's result."""
        began = time.monotonic()
        try:
            self.forward()
        except Exception as error:  # whatever it was, the old release has to serve again
            return self.back(error)
        took = time.monotonic() - began
        summary = "{} serves on port {}, {} of {} answers right, after {:.1f} s".format(
            self.plan["release"], self.about["port"], len(self.report), len(self.report), took
        )
        return {"ok": True, "summary": summary, "report": self.report}

    def forward(self) -> None:
        """Drain, swap, restart, ask, commit."""
        old, new = self.transaction.record["before"]["unit"], self.about["unit"]
        self.step("drain")
        if old and service.active(old):
            drain(self.plan, self.say)
        self.step("swap")
        self.transaction.swap()
        self.step("restart")
        if old:
            service.stop(old)
        service.stop(new)
        self.free_port()
        self.start(new)
        self.step("ask")
        self.report = ask.ask_all(self.plan["instance"], self.plan["release"], self.say)
        wrong = ask.wrong(self.report)
        if wrong:
            raise StepError("{} of {} answers wrong".format(len(wrong), len(self.report)), wrong)
        self.step("commit")
        self.transaction.end("committed")
        _unmark(self.plan["instance"], self.plan["release"])
        _note(self.plan, "serves")

    def step(self, name: str) -> None:
        """Journal a step and tell it to whoever watches."""
        self.transaction.step(name)
        self.say(name)

    def refuse_taken_port(self) -> None:
        """Look at the port before anything is stopped, unless the old release is what has it."""
        instance = self.plan["instance"]
        path = "{}/{}/release.json".format(places.releases(instance), current(instance))
        serving = durable.read_json(path) or {}
        same = serving.get("port") == self.about["port"]
        if not (same and service.running(serving["unit"])):
            self.free_port()

    def free_port(self) -> None:
        """Refuse a port that somebody else has: some engines would share it, without a word."""
        taken_by = ports.holder(self.about["port"])
        if taken_by:
            raise StepError(
                "port {} is held by {}".format(self.about["port"], taken_by),
                ["stop it, or give the instance another port"],
                blamed=False,
            )

    def start(self, unit: str) -> None:
        """Start the new release and wait until it is ready."""
        began = time.time()
        ready = service.start(
            unit, self.about["ready_within_s"], lambda s: self.say("starting: {:.0f} s".format(s))
        )
        if not ready:
            lines = service.log(unit, began)
            service.stop(unit)
            raise StepError("it did not become ready", failures.evidence(lines))

    def back(self, error: Exception) -> Any:
        """Return to what was and say in which state the host is."""
        why = "{} failed: {}".format(self.plan["release"], str(error) or type(error).__name__)
        evidence = error.evidence if isinstance(error, StepError) else []
        # A release that served before is not made bad by failing to start again.
        again = self.transaction.record["before"]["release"] == self.plan["release"]
        if isinstance(error, StepError) and error.blamed and not again:
            with contextlib.suppress(OSError):
                self.transaction.step("mark bad")
                _mark(self.plan["instance"], self.plan["release"], why, evidence)
        state = recovery.put_back(self.transaction, why, self.say)
        _note(self.plan, "failed: {}; {}".format(error, state))
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


def drain(plan: Any, say: Any) -> None:
    """
    Wait until the serving release has nothing in flight, as long as the plan allows. A server that
    counts once in a while has to say so for that while.
    """
    deadline = time.monotonic() + plan["drain_within_s"]
    idle_since = None
    while time.monotonic() < deadline:
        count = in_flight(plan)
        now = time.monotonic()
        idle_since = None if count else idle_since or now
        if idle_since and now - idle_since >= _counted_every_s(plan):
            return
        say("draining: {:.0f} in flight".format(count))
        time.sleep(_LOOK_EVERY_S)


def _counted_every_s(plan: Any) -> float:
    found = about(plan["instance"], current(plan["instance"]) or "")
    return float(found.get("counted_every_s", 0))


def in_flight(plan: Any) -> float:
    """Return how many requests the serving release works on, 0 when it does not say."""
    release = current(plan["instance"]) or ""
    try:
        prefixes = tuple(about(plan["instance"], release)["in_flight"])
        asked = ask.server(plan["instance"], release)
        response = asked.request("GET", "/metrics", None, 5.0)
        lines = response.read().decode("utf-8", "replace").splitlines()
        counts = [line.split() for line in lines if line.startswith(prefixes)]
        return sum(float(words[-1]) for words in counts)
    except (*ask.NO_ANSWER, KeyError):
        return 0


def _mark(instance: str, release: str, why: str, evidence: List[str]) -> None:
    note = {"at": durable.now(), "why": why, "evidence": evidence}
    durable.write_json("{}/{}.json".format(places.bad(instance), release), note)


def _unmark(instance: str, release: str) -> None:
    with contextlib.suppress(OSError):
        os.unlink("{}/{}.json".format(places.bad(instance), release))


def _note(plan: Any, result: str) -> None:
    with contextlib.suppress(OSError):
        audit.note(plan["who"], "activate {instance} {release}".format(**plan), result)


def main() -> None:
    """See the top of the file."""
    folder = sys.argv[1]
    plan = durable.read_json(folder + "/plan.json")
    try:
        refuse_other_start(plan)
        recovery.finish(plan["instance"])
        activation = Activation(plan, progress.Progress(folder).say)
    except (OSError, StepError) as error:
        summary = "the activation cannot begin: {}; nothing was changed".format(error)
        result = {"ok": False, "summary": summary}
    else:
        result = activation.run()
    print(result["summary"], flush=True)
    jobs.finish(folder, result)


if __name__ == "__main__":
    main()
