"""
What served before an activation serves again, whatever interrupted it.

``recovery.py job INSTANCE`` finishes what a killed job left behind, while the host is up.
``recovery.py boot`` does so before any instance starts: it puts the links back.
A host that follows another does as that one did, once it can ask.
"""

from __future__ import annotations

import contextlib
import sys

import audit
import back
import durable
import gathering
import jobs
import places
import ranks
import rotation
import service
from transaction import Transaction, current, described, every_garbled, garbled, unfinished


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
        if found.record["outcome"] != back.BROKEN:
            rotation.join(instance)
        found.restore_current()
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
        state = back.ask_back(found, why, print)
    else:
        state = back.put_back(found, why, print)
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
            group, found.record, about.get("ready_within_s", back.LONGEST_S), print
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
        back.end(found, "committed", why, state)
    elif found.is_back and found.record["before"]["unit"]:
        service.begin(found.record["before"]["unit"])
        was = found.record["before"]["release"]
        state = back.end(found, "rolled back", why, "{} is current, as it was".format(was))
    else:
        state = back.put_back(found, why, print)
    _tell_of(found, why, state)


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
