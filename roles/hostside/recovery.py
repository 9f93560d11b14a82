"""
What served before an activation serves again, whatever interrupted it.

``recovery.py job INSTANCE`` finishes what a killed job left behind, while the host is up.
``recovery.py boot`` does so before any instance starts: it puts the links back.
A host that follows another does as that one did, once it can ask.
"""

from __future__ import annotations

import contextlib
import sys
import time
from typing import Any

import ask
import audit
import durable
import failures
import gathering
import held
import jobs
import places
import ranks
import rotation
import served
import service
from transaction import Transaction, current, described, every_garbled, garbled, unfinished

_LONGEST_S = 4 * 3600.0
# No gateway sends it requests until it was mended.
_BROKEN = "broken"


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
        return _end(transaction, "nothing serves", why, state)
    step("restart back")
    about = described(transaction.instance, release) or {}
    if follows(transaction.instance, about):
        holding.freed()
        # It waits for the head, as long as that may take, and begins when that does.
        service.begin(unit)
        state = "{} is current again and begins with its head".format(release)
        return _end(transaction, "rolled back", why, state)
    # Whoever still holds memory is told; what served before is tried all the same.
    left = holding.freed()
    began = time.monotonic()
    within_s = about.get("ready_within_s", _LONGEST_S)
    if not service.start(
        unit, within_s, lambda s: say("starting {} again: {:.0f} s".format(release, s))
    ):
        lines = "; ".join([*left, *failures.of_start(unit, began, about.get("engine"))])
        if about.get("across"):
            # It begins by itself when the last of its hosts is there.
            service.begin(unit)
        state = "{} is current again but DOES NOT START: {}".format(release, lines)
        return _end(transaction, _BROKEN, why, state)
    step("ask back")
    return _ask_back(transaction, why, say)


def _ask_back(transaction: Transaction, why: str, say: Any) -> str:
    """Question what runs again, and end the transaction by what it answers."""
    release = transaction.record["before"]["release"]
    try:
        wrong = ask.wrong(ask.ask_all(transaction.instance, release, say))
    except (*served.NO_ANSWER, KeyError) as error:
        state = "{} runs again but CANNOT BE ASKED: {}".format(release, error)
        return _end(transaction, _BROKEN, why, state)
    if wrong:
        state = "{} runs again but ANSWERS WRONG: {}".format(release, "; ".join(wrong))
        return _end(transaction, _BROKEN, why, state)
    state = "{} serves again and answers right".format(release)
    return _end(transaction, "rolled back", why, state)


def _end(transaction: Transaction, outcome: str, why: str, state: str) -> str:
    if outcome != _BROKEN:
        rotation.join(transaction.instance)
    with contextlib.suppress(OSError):
        transaction.end(outcome, why)
    return state


def finish(instance: str) -> None:
    """Finish an interrupted activation of an instance while the host is up."""
    found = Transaction.of(instance)
    if found is None:
        if garbled(instance):
            with contextlib.suppress(OSError):
                _tell(instance, _not_known(instance))
        return
    if found.over:
        # A job that was killed after its last word may not have come to this.
        if found.record["outcome"] != _BROKEN:
            rotation.join(instance)
        return
    if service.going_down():
        print("the host goes down; what served before is put back at boot")
        return
    before = found.record["before"]
    if found.follows:
        _finish_following(found)
        return
    why = "the job was killed at step {}".format(found.record["steps"][-1]["step"])
    if found.is_back and before["unit"] and service.active(before["unit"]):
        # It did not come to the swap, or only its last words are missing, on a full disk.
        state = _ask_back(found, why, print)
    else:
        state = put_back(found, why, print)
    _tell_of(found, why, state)


def _finish_following(found: Transaction) -> None:
    """Do as the head did with what this host was to follow it to."""
    at = found.record["steps"][-1]["step"]
    why = "the job was killed at step {}".format(at)
    about = described(found.instance, found.record["release"]) or {}
    with contextlib.suppress(OSError):
        found.step("settle")
    try:
        group = ranks.of(found.instance, about)
        goes_on = group is not None and gathering.settled(
            group, found.record, about.get("ready_within_s", _LONGEST_S), print
        )
        if goes_on:
            runs = at in ("verdict", "commit") and not found.is_back
            if found.record["before"]["unit"] and not runs:
                service.stop(found.record["before"]["unit"])
            found.swap()
    except OSError as error:
        goes_on, why = False, "{}; {}".format(why, error)
    if goes_on:
        service.begin(found.record["after"]["unit"])
        state = "the head has committed {}, which begins here too".format(found.record["release"])
        _end(found, "committed", why, state)
    elif found.is_back and found.record["before"]["unit"]:
        service.begin(found.record["before"]["unit"])
        was = found.record["before"]["release"]
        state = _end(found, "rolled back", why, "{} is current, as it was".format(was))
    else:
        state = put_back(found, why, print)
    _tell_of(found, why, state)


def follows(instance: str, about: Any) -> bool:
    """Say whether a release is served by another host with this one's help."""
    try:
        group = ranks.of(instance, about)
    except OSError:
        # None of its addresses is here now: nothing here could answer for it either.
        return True
    return group is not None and group.rank > 0


def _not_known(instance: str) -> str:
    """Say what is known of an instance whose journal tells nothing."""
    return (
        "the journal {} cannot be read, so it is not known whether an activation was cut short\n"
        "state: {} is current, asked or not; run again, which asks it".format(
            places.transaction(instance), current(instance) or "nothing"
        )
    )


def _tell_of(found: Transaction, why: str, state: str) -> None:
    with contextlib.suppress(OSError):
        _tell(found.instance, "{}\nstate: {}".format(why, state))
        audit.note(found.record["who"], "recover " + found.instance, state)


def _tell(instance: str, summary: str) -> None:
    """Leave what came of an interrupted activation for whoever still watches it."""
    folder = places.job("activate-" + instance)
    # A job that left a result knew better why it ended.
    if durable.read_json(folder + "/result.json") is None:
        jobs.finish(folder, {"ok": False, "summary": summary})


def boot() -> None:
    """Put links back at boot; systemd starts what is current afterwards."""
    for found in unfinished():
        if jobs.active("activate-" + found.instance):
            continue
        last = found.record["steps"][-1]["step"]
        why = "the host went down at step {}".format(last)
        # One instance that cannot be mended must not keep the others from starting.
        try:
            found.swap_back()
        except OSError as error:
            print("{}: {}; NOT put back: {}".format(found.instance, why, error))
            continue
        was = found.record["before"]["release"] or "nothing"
        if found.follows:
            # Whether it goes on is the head's to say, when there is a network to ask it by.
            said = jobs.later("activate-" + found.instance, "recovery", "job", found.instance)
            print("{}: {}; {}".format(found.instance, why, said or "the head will be asked"))
            continue
        with contextlib.suppress(OSError):
            found.end("nothing serves" if found.first else "restored at boot", why)
            audit.note("boot", "restore " + found.instance, "{}; current is {}".format(why, was))
            _tell(found.instance, "{}\nstate: {}".format(why, _booted(found)))
        print("{}: {}; current is {}".format(found.instance, why, was))
    for instance in every_garbled():
        print("{}: {}".format(instance, _not_known(instance).replace("\n", "; ")))
        with contextlib.suppress(OSError):
            _tell(instance, _not_known(instance))


def _booted(found: Transaction) -> str:
    if found.first:
        return "no release served before, so nothing serves {}".format(found.instance)
    return "{} is current again and starts with the host; nobody has asked it yet".format(
        found.record["before"]["release"]
    )


def main() -> None:
    """See the top of the file."""
    if sys.argv[1] == "boot":
        boot()
    else:
        finish(sys.argv[2])


if __name__ == "__main__":
    main()
