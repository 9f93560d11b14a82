"""
Which releases of an instance have served on this host, what serves first, and whether each could
serve again.

A commit is written down in ``history/INSTANCE.json`` once it has happened. The links know the
newest two in any case: what a full disk or older code did not write down is read from them.
"""

from __future__ import annotations

import os

import durable
import places
import transaction

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

KEPT = 20
# What a unit runs of a release: a script, or a container's project.
_RUN = ("start", "compose.yaml")


def note(record: Any) -> None:
    """Write down what the record of a transaction committed; what was pruned drops out."""
    instance, release = record["instance"], record["release"]
    before, previous = record["before"], places.instance(instance) + "/previous"
    links = [before["release"], _base(before["links"].get(previous, durable.read_link(previous)))]
    earlier = _merged(links, _written(instance))
    now = durable.now()
    known = next((entry for entry in earlier if entry["release"] == release), None)
    # The same release again, as with a new secret, goes on serving.
    on = known is not None and before["release"] == release
    newest = {
        "release": release,
        "first": known["first"] if known else now,
        "since": known["since"] if known and on else now,
    }
    rest = [entry for entry in earlier if entry["release"] != release]
    there = [entry for entry in rest if os.path.isdir(_folder(instance, entry["release"]))]
    durable.write_json(places.history(instance), [newest, *there][:KEPT])


def read(instance: str) -> List[Dict[str, Any]]:
    """Return every release that served: which, since when for the first time, and the last."""
    folder = places.instance(instance)
    links = [_base(durable.read_link(folder + "/" + name)) for name in ("current", "previous")]
    return _merged(links, _written(instance))


def judged(instance: str) -> List[Dict[str, Any]]:
    """Return what served, with the ports of each and what keeps it from serving again."""
    found = []
    for entry in read(instance):
        about = transaction.described(instance, entry["release"])
        ports, fault = transaction.ports_of(about), _fault(instance, entry["release"], about)
        found.append(dict(entry, ports=ports, fault=fault))
    return found


def before(instance: str) -> str | None:
    """Return the release that a rollback goes to."""
    now = transaction.current(instance)
    others = [entry for entry in judged(instance) if entry["release"] != now]
    return next((entry["release"] for entry in others if not entry["fault"]), None)


def _fault(instance: str, release: str, about: Any) -> str | None:
    """Say what is wrong with a release, as the rest of a sentence that begins with its name."""
    folder = _folder(instance, release)
    if about is None:
        return "is not staged any more"
    for name in sorted(os.listdir(folder)):
        target = durable.read_link(folder + "/" + name)
        if target and not os.path.exists(target):
            return "has lost its {}: {} is gone".format(name, target)
    questions = "{}/{}.json".format(places.checks(instance), release)
    for path in (folder + "/stack/complete.json", questions):
        if not os.path.isfile(path):
            return "is not whole: {} is gone".format(path)
    if not any(os.path.isfile(folder + "/" + name) for name in _RUN):
        return "is not whole: {} has neither {}".format(folder, " nor ".join(_RUN))
    marked = durable.read_json("{}/{}.json".format(places.bad(instance), release))
    return "is marked bad: {}".format(marked.get("why")) if marked else None


def _merged(links: List[str | None], written: List[Dict[str, Any]]) -> List[Dict[str, Any]]:
    known = {entry["release"]: entry for entry in written}
    names = dict.fromkeys([*(name for name in links if name), *known])
    unknown: Dict[str, Any] = {"first": None, "since": None}
    return [known.get(name) or dict(unknown, release=name) for name in names]


def _written(instance: str) -> List[Dict[str, Any]]:
    """Return what is written down, as far as it can be read."""
    found = durable.read_json(places.history(instance))
    listed = found if isinstance(found, list) else []
    return [
        {key: entry.get(key) for key in ("release", "first", "since")}
        for entry in listed
        if isinstance(entry, dict) and isinstance(entry.get("release"), str)
    ]


def _folder(instance: str, release: str) -> str:
    return "{}/{}".format(places.releases(instance), release)


def _base(path: str | None) -> str | None:
    return os.path.basename(path) if path else None
