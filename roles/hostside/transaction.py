"""
The journal of an activation: what was, what shall be, and how far it came.

A transaction is over when its record has an outcome. Until then whoever finds the record puts
back what was. Links are all that a transaction changes on disk.
"""

from __future__ import annotations

import os

import durable
import places

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

    Links = Dict[str, "str | None"]

_KEYS = ("instance", "release", "who", "before", "after", "steps", "outcome")


class Transaction:
    """One activation of an instance, kept on disk from before its first change."""

    def __init__(self, record: Dict[str, Any]) -> None:
        self.record = record
        self.instance: str = record["instance"]

    @classmethod
    def begin(cls, plan: Any, group: Any = None) -> Transaction:
        """
        Write down what is and what ``plan`` wants.

        :param group: by what the hosts know it that serve the instance together
        """
        instance, release = plan["instance"], plan["release"]
        unit = about(instance, release)["unit"]
        folder = places.instance(instance)
        current, previous = folder + "/current", folder + "/previous"
        serving = durable.read_link(current)
        links: Links = {
            current: "{}/{}".format(places.releases(instance), release),
            places.wants(unit): places.template(unit),
        }
        if plan["secrets"]:
            links[folder + "/secrets"] = "{}/{}".format(places.secrets(instance), plan["secrets"])
        if serving != links[current]:
            links[previous] = serving
        # Whatever lost its description ran under the same unit, as far as can be known.
        found = durable.read_json(serving + "/release.json") if serving else None
        old = (found["unit"] if found else unit) if serving else None
        if old and old != unit:
            links[places.wants(old)] = None
        before = {path: durable.read_link(path) for path in links}
        begun = cls(
            {
                "instance": instance,
                "release": release,
                "who": plan["who"],
                "began": durable.now(),
                "before": {
                    "links": before,
                    "unit": old,
                    "release": os.path.basename(serving) if serving else None,
                },
                "after": {"links": links, "unit": unit},
                "steps": [],
                "outcome": None,
                **({"group": group} if group else {}),
            }
        )
        begun.step("begin")
        return begun

    @classmethod
    def of(cls, instance: str) -> Transaction | None:
        """Return the last transaction of an instance."""
        record = durable.read_record(places.transaction(instance), _KEYS)
        return cls(record) if record else None

    @property
    def over(self) -> bool:
        """Whether it came to an end, either way."""
        return self.record["outcome"] is not None

    @property
    def first(self) -> bool:
        """Whether no release served before."""
        return self.record["before"]["release"] is None

    @property
    def follows(self) -> bool:
        """Whether another host decides what comes of it."""
        return "head" in (self.record.get("group") or {})

    @property
    def is_back(self) -> bool:
        """Whether every link points at what was."""
        return all(durable.read_link(p) == t for p, t in self.record["before"]["links"].items())

    def step(self, name: str) -> None:
        """Write down a step before it is taken."""
        self.record["steps"].append({"step": name, "at": durable.now()})
        self._write()

    def end(self, outcome: str, why: str = "") -> None:
        """Write down how it ended."""
        ended = dict(self.record, outcome=outcome, why=why, ended=durable.now())
        durable.write_json(places.transaction(self.instance), ended)
        self.record = ended

    def swap(self) -> None:
        """Point every link at what shall be."""
        _point(self.record["after"]["links"])

    def swap_back(self) -> None:
        """Point every link at what was."""
        _point(self.record["before"]["links"])

    def restore_current(self) -> None:
        """Have what was left as current be so again, where somebody has the link lead nowhere."""
        links = self.record["after" if self.record["outcome"] == "committed" else "before"]["links"]
        current = places.instance(self.instance) + "/current"
        kept = links[current]
        if not os.path.isdir(current) and kept and os.path.isdir(kept):
            _point(links)

    def _write(self) -> None:
        durable.write_json(places.transaction(self.instance), self.record)


def current(instance: str) -> str | None:
    """Return the name of the release that is current."""
    found = durable.read_link(places.instance(instance) + "/current")
    return os.path.basename(found) if found else None


def described(instance: str, release: str | None) -> Any:
    """Return what a release says of itself, ``None`` without one, or when it lost that."""
    if release is None:
        return None
    return durable.read_json("{}/{}/release.json".format(places.releases(instance), release))


def ports_of(described: Any) -> List[int]:
    """Return every port that a release listens on, by what it says of itself; none without it."""
    planes = described.get("planes", {}).values() if described else ()
    across = [described["across"]["port"]] if described and "across" in described else []
    return [described["port"], *(plane["port"] for plane in planes), *across] if described else []


def about(instance: str, release: str) -> Any:
    """Return what a staged release says of itself."""
    found = described(instance, release)
    if found is None:
        raise FileNotFoundError("{} is not staged for {}".format(release, instance))
    return found


def unfinished() -> List[Transaction]:
    """Return every transaction that something interrupted."""
    found = [Transaction.of(instance) for instance in _journalled()]
    return [one for one in found if one and not one.over]


def garbled(instance: str) -> bool:
    """Say whether an instance has a journal that tells nothing: of a bad disk, or of a hand."""
    return os.path.exists(places.transaction(instance)) and Transaction.of(instance) is None


def every_garbled() -> List[str]:
    """Return every instance whose journal tells nothing."""
    return [instance for instance in _journalled() if garbled(instance)]


def _journalled() -> List[str]:
    there = os.path.isdir(places.transactions())
    names = os.listdir(places.transactions()) if there else []
    return sorted(name[: -len(".json")] for name in names if name.endswith(".json"))


def _point(links: Links) -> None:
    for path, target in links.items():
        durable.link(path, target)
