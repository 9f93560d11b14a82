"""
Whether gateways may send an instance new requests.

``rotation.py leave INSTANCE WHY`` takes one out, over reboots too, until ``rotation.py join
INSTANCE``; ``rotation.py show`` tells who is out and why. ``quarantine.py`` does so for all of a
host. An activation takes its instance out for as long as it is at work; that note is in memory, so
that it can be taken back on a full disk and is gone with the boot.
"""

from __future__ import annotations

import os
import sys
import time

import durable
import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_ANSWERS_WITHIN_S = 15.0


def noticed_s() -> float:
    """Return how long it takes until every gateway knows; 0 where none asks."""
    told = durable.read_json(places.agent())
    # Asked once more than often enough: a question may be on its way just now.
    return 2.0 * told["asked_every_s"] if told else 0.0


def silent() -> str:
    """Say why gateways are told nothing, empty when they are told or do not ask."""
    told = durable.read_json(places.agent()) or {}
    if "port" not in told:
        return ""
    # Most that is asked of here needs no connection, nor what it takes to make one.
    import socket

    try:
        there = (told["address"], told["port"])
        with socket.create_connection(there, _ANSWERS_WITHIN_S) as asked:
            asked.sendall(b"\n")
            if asked.makefile("rb").readline():
                return ""
            why = "it says nothing"
    except OSError as error:
        why = error.strerror or str(error)
    return "the agent on port {} does not answer ({})".format(told["port"], why)


def leave(instance: str, why: str) -> None:
    """Let no gateway send an instance new requests, where any does."""
    if noticed_s():
        _note(places.out(), instance, why)


def join(instance: str) -> None:
    """Take back what ``leave`` did."""
    durable.remove(_path(places.out(), instance), OSError)


def keep_out(instance: str, why: str) -> None:
    """Let no gateway send an instance new requests until ``let_in``, over reboots too."""
    _note(places.kept_out(), instance, why)


def let_in(instance: str) -> None:
    """Take back what ``keep_out`` did."""
    durable.remove(_path(places.kept_out(), instance))


def kept_out_here(instance: str) -> List[str]:
    """Return why somebody took an instance out until further notice, nothing when nobody did."""
    note = durable.read_json(_path(places.kept_out(), instance))
    return [str(note["why"])] if note else []


def why_kept_out(instance: str) -> List[str]:
    """Return the same, of the other hosts that serve it with this one too."""
    there = durable.read_json(places.out_there(instance)) or {"why": []}
    return [*kept_out_here(instance), *map(str, there["why"])]


def wait(say: Any) -> None:
    """Wait until every gateway knows who is out and who is not."""
    if noticed_s():
        say("waiting: gateways notice within {:.0f} s".format(noticed_s()))
        time.sleep(noticed_s())


def why_out(instance: str) -> List[str]:
    """Return why an instance is out of rotation, nothing when it is not."""
    note = durable.read_json(_path(places.out(), instance))
    return [*why_kept_out(instance), *([str(note["why"])] if note else [])]


def shown() -> Dict[str, List[str]]:
    """Return why each instance is out that is."""
    names = [name for folder in (places.kept_out(), places.out()) for name in _listed(folder)]
    there = os.listdir(places.instances()) if os.path.isdir(places.instances()) else []
    found = {name: why_out(name) for name in sorted({*names, *there})}
    return {name: why for name, why in found.items() if why}


def _listed(folder: str) -> List[str]:
    found = os.listdir(folder) if os.path.isdir(folder) else []
    return [name[: -len(".json")] for name in found if name.endswith(".json")]


def _path(folder: str, instance: str) -> str:
    return "{}/{}.json".format(folder, instance)


def _note(folder: str, instance: str, why: str) -> None:
    durable.write_json(_path(folder, instance), {"at": durable.now(), "why": why})


def main() -> None:
    """See the top of the file."""
    words = sys.argv[1:]
    if words == ["show"]:
        for name, why in shown().items():
            print("{} is out of rotation: {}".format(name, "; ".join(why)))
    elif len(words) == 3 and words[0] == "leave" and _known(words[1]):
        keep_out(words[1], words[2])
        print(
            "{} is out of rotation; gateways notice within {:.0f} s".format(words[1], noticed_s())
        )
    elif len(words) == 2 and words[0] == "join" and _known(words[1]):
        join(words[1])
        let_in(words[1])
        print("{} is in rotation whenever its unit is up".format(words[1]))
    else:
        raise SystemExit("usage: rotation.py leave INSTANCE WHY | join INSTANCE | show")


def _known(instance: str) -> bool:
    if not os.path.isdir(places.instance(instance)):
        raise SystemExit("{}: there is no such instance here".format(instance))
    return True


if __name__ == "__main__":
    main()
