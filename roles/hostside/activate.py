"""
Switch an instance to a staged release, question it, and switch back if it answers wrong.

``activate.py JOB`` runs the plan of a job to its end, whoever still watches.
``activate.py recover INSTANCE`` finishes what a killed job left behind: what was serves again.
``activate.py restore`` does so at boot, before any instance starts: it puts the links back.
"""

from __future__ import annotations

import contextlib
import http.client
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
import progress
import service
from transaction import Transaction, about, unfinished

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
        self.transaction = Transaction.begin(plan)
        self.report: ask.Report = []

    def run(self) -> Any:
        """Do all of it, one way or the other; return the job's result."""
        began = time.monotonic()
        try:
            self.forward()
        except (StepError, OSError) as error:
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
        self.start(new, self.about["port"])
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

    def start(self, unit: str, port: int) -> None:
        """Start the new release and wait until it is ready."""
        taken_by = service.holder(port)
        if taken_by:
            raise StepError(
                "port {} is held by {}".format(port, taken_by),
                ["stop it, or give the instance another port"],
                blamed=False,
            )
        began = time.time()
        ready = service.start(unit, lambda s: self.say("starting: {:.0f} s".format(s)))
        if not ready:
            lines = service.log(unit, began)
            service.stop(unit)
            raise StepError("it did not become ready", _evidence(lines))

    def back(self, error: Exception) -> Any:
        """Return to what was and say in which state the host is."""
        why = "{} failed: {}".format(self.plan["release"], error)
        evidence = error.evidence if isinstance(error, StepError) else []
        # A release that served before is not made bad by failing to start again.
        if isinstance(error, StepError) and error.blamed and not self.transaction.same:
            with contextlib.suppress(OSError):
                self.transaction.step("mark bad")
                _mark(self.plan["instance"], self.plan["release"], why, evidence)
        state = put_back(self.transaction, why, self.say)
        _note(self.plan, "failed: {}; {}".format(error, state))
        summary = "\n".join([why, *("  " + line for line in evidence), "state: " + state])
        return {"ok": False, "summary": summary, "report": self.report or None}


def drain(plan: Any, say: Any) -> None:
    """Wait until the serving release has nothing in flight, as long as the plan allows."""
    deadline = time.monotonic() + plan["drain_within_s"]
    while time.monotonic() < deadline:
        count = in_flight(plan)
        if not count:
            return
        say("draining: {:.0f} in flight".format(count))
        time.sleep(_LOOK_EVERY_S)


def in_flight(plan: Any) -> float:
    """Return how many requests the serving release works on, 0 when it does not say."""
    release = os.path.basename(os.readlink(places.instance(plan["instance"]) + "/current"))
    try:
        prefixes = tuple(about(plan["instance"], release)["in_flight"])
        asked = ask.server(plan["instance"], release)
        response = asked.request("GET", "/metrics", None, 5.0)
        lines = response.read().decode("utf-8", "replace").splitlines()
    except (OSError, http.client.HTTPException, KeyError, TypeError):
        return 0
    counts = [line.split() for line in lines if line.startswith(prefixes)]
    return sum(float(words[-1]) for words in counts)


def put_back(transaction: Transaction, why: str, say: Any) -> str:
    """Let what was serve again; return the state that the host is in then."""

    def step(name: str) -> None:
        # A full disk must not keep the old release from serving: the record on disk, however
        # old, says the same as this step does.
        with contextlib.suppress(OSError):
            transaction.step(name)
        say(name)

    before, after = transaction.record["before"], transaction.record["after"]
    release, unit = before["release"], before["unit"]
    step("swap back")
    service.stop(after["unit"])
    transaction.swap_back()
    if transaction.first:
        _end(transaction, "nothing serves", why)
        return "no release served before, so nothing serves {}".format(transaction.instance)
    step("restart back")
    began = time.time()
    if not service.start(unit, lambda s: say("starting {} again: {:.0f} s".format(release, s))):
        _end(transaction, "broken", why)
        lines = "; ".join(_evidence(service.log(unit, began)))
        return "{} is current again but DOES NOT START: {}".format(release, lines)
    step("ask back")
    wrong = ask.wrong(ask.ask_all(transaction.instance, release, say))
    if wrong:
        _end(transaction, "broken", why)
        return "{} runs again but ANSWERS WRONG: {}".format(release, "; ".join(wrong))
    _end(transaction, "rolled back", why)
    return "{} serves again and answers right".format(release)


def _end(transaction: Transaction, outcome: str, why: str) -> None:
    with contextlib.suppress(OSError):
        transaction.end(outcome, why)


def _evidence(lines: List[str]) -> List[str]:
    known = failures.diagnose(lines)
    if not known:
        return ["its last lines were:", *service.end_of(lines)]
    return [
        "cause: " + known["cause"],
        "remedy: " + known["remedy"],
        *("log: " + line.strip() for line in known["lines"]),
    ]


def _mark(instance: str, release: str, why: str, evidence: List[str]) -> None:
    note = {"at": durable.now(), "why": why, "evidence": evidence}
    durable.write_json("{}/{}.json".format(places.bad(instance), release), note)


def _unmark(instance: str, release: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink("{}/{}.json".format(places.bad(instance), release))


def _note(plan: Any, result: str) -> None:
    with contextlib.suppress(OSError):
        audit.note(plan["who"], "activate {instance} {release}".format(**plan), result)


def recover(instance: str) -> None:
    """Finish an interrupted transaction while the host is up."""
    found = Transaction.of(instance)
    if found is None or found.over:
        return
    why = "the job was killed at step {}".format(found.record["steps"][-1]["step"])
    state = put_back(found, why, print)
    jobs.finish(
        places.job("activate-" + instance),
        {"ok": False, "summary": "{}\nstate: {}".format(why, state)},
    )
    audit.note(found.record["who"], "recover " + instance, state)


def restore() -> None:
    """Finish interrupted transactions at boot; systemd starts what is current afterwards."""
    for found in unfinished():
        found.swap_back()
        last = found.record["steps"][-1]["step"]
        why = "the host went down at step {}".format(last)
        found.end("restored at boot", why)
        was = found.record["before"]["release"] or "nothing"
        audit.note("boot", "restore " + found.instance, "{}; current is {}".format(why, was))
        print("{}: {}; current is {}".format(found.instance, why, was))


def main() -> None:
    """See the top of the file."""
    if sys.argv[1] == "restore":
        restore()
    elif sys.argv[1] == "recover":
        recover(sys.argv[2])
    else:
        folder = sys.argv[1]
        plan = durable.read_json(folder + "/plan.json")
        left = Transaction.of(plan["instance"])
        if left and not left.over:
            recover(plan["instance"])
        try:
            activation = Activation(plan, progress.Progress(folder).say)
        except OSError as error:
            summary = "the activation cannot begin: {}; nothing was changed".format(error)
            result = {"ok": False, "summary": summary}
        else:
            result = activation.run()
        print(result["summary"], flush=True)
        jobs.finish(folder, result)


if __name__ == "__main__":
    main()
