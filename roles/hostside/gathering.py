"""
How the hosts that serve one instance change together: the head decides, the others follow.

Each other host writes down an offer, its transaction with a name of its own, before anything of it
changes. The head begins when all have offered the release that it goes to, and writes down whose
offers it took. What became of its transaction is the verdict for theirs.
"""

from __future__ import annotations

import time
from typing import Any, Dict, Tuple

import ranks

_OFFERED_WITHIN_S = 120.0
_LOOK_EVERY_S = 1.0
SILENT, UNKNOWN, BEGUN, GO, BACK, COMMITTED = (
    *("silent", "unknown", "begun", "go", "back", "committed"),
)


class GatherError(Exception):
    """The hosts do not come together; nothing was changed."""


def offers(group: ranks.Group, release: str, say: Any) -> Dict[str, str]:
    """
    Wait until every other host has offered to follow to a release; return their offers.

    :raises GatherError: one of them does not
    """
    deadline = time.monotonic() + _OFFERED_WITHIN_S
    while True:
        found: Dict[str, str] = {}
        left = []
        for address in group.others:
            said = group.ask(address)
            last = said.get("transaction") or {}
            if _offered(said) and last["release"] == release:
                found[address] = last["group"]["id"]
            elif _offered(said):
                left.append("{} goes to {}".format(address, last["release"]))
            else:
                left.append("{} {}".format(address, "does not" if said else "does not answer"))
        if not left:
            return found
        if time.monotonic() > deadline:
            raise GatherError(
                "not every host of it follows to {} within {:.0f} s: {}".format(
                    release, _OFFERED_WITHIN_S, ", ".join(left)
                )
            )
        say("waiting for the other hosts: " + ", ".join(left))
        time.sleep(_LOOK_EVERY_S)


def _offered(said: Dict[str, Any]) -> bool:
    last = said.get("transaction") or {}
    # Of a job that was killed, an offer may be left that nobody keeps.
    waits = bool(last) and last["outcome"] is None and last["steps"][-1] == "offer"
    return waits and "id" in last["group"] and bool(said.get("at_work"))


def gone(heard: ranks.Heard, taken: Dict[str, str], release: str) -> Tuple[str, bool]:
    """
    Say which host no longer follows to a release, and whether it says that the release is at fault;
    empty when all do. Who has just begun not to answer may be back at any moment.
    """
    for address, offer in taken.items():
        said = heard.ask(address)
        last = said.get("transaction") or {}
        if not said:
            continue
        follows = bool(last) and last["outcome"] is None and last["group"].get("id") == offer
        why = _cut_short(said, release) if follows else last.get("why") or "it has begun anew"
        if not why:
            continue
        blames = "mark bad" in last.get("steps", ())
        return "{} no longer follows: {}".format(address, why), blames
    return heard.silent(), False


def _cut_short(said: Dict[str, Any], release: str) -> str:
    """Return how a host waits for the verdict that was cut short; empty when it need not begin."""
    steps = said["transaction"]["steps"]
    if ("restart" in steps or "settle" in steps) and said["release"] != release:
        return "it was cut short, and is on {} again".format(said["release"] or "no release")
    if "settle" in steps and said["state"] in ("inactive", "failed"):
        return "it was cut short, and starts nothing before this host has decided"
    return ""


def silent(group: ranks.Group) -> str:
    """Return which hosts do not answer, empty when all do."""
    return ", ".join(address for address in group.others if not group.ask(address))


def verdict(group: ranks.Group, record: Dict[str, Any]) -> Tuple[str, Dict[str, Any]]:
    """Return what the head says of a transaction that follows it, and the head's own."""
    said = group.ask(group.head)
    if not said:
        return SILENT, {}
    last: Dict[str, Any] = said.get("transaction") or {}
    taken = (last.get("group") or {}).get("offers") or {}
    if taken.get(group.address) != record["group"]["id"]:
        return UNKNOWN, dict(last, current=said["release"])
    if last["outcome"] == "committed":
        return COMMITTED, last
    swapped = "restart" in last["steps"]
    # Links are put back even where a full disk takes no further word.
    if last["outcome"] is not None or "swap back" in last["steps"]:
        return BACK, last
    if swapped and said["release"] != record["release"]:
        return BACK, last
    return (GO if swapped else BEGUN), last


def settled(group: ranks.Group, record: Dict[str, Any], silent_s: float, say: Any) -> bool:
    """
    Wait for the verdict on a transaction that was cut short, and say whether to go on with it.
    Without an answer for ``silent_s`` it is gone back on.
    """
    heard = time.monotonic()
    while True:
        word, last = verdict(group, record)
        if word == UNKNOWN:
            # The head went on since, or never took the offer: what it is on counts.
            return bool(last["current"] == record["release"])
        if word in (COMMITTED, BACK):
            return word == COMMITTED
        if word != SILENT:
            heard = time.monotonic()
        elif time.monotonic() - heard > silent_s:
            return False
        say("waiting for what the head on {} comes to ({})".format(group.head, word))
        time.sleep(_LOOK_EVERY_S)
