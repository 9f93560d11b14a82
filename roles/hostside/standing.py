"""What of ours stands on this host: stacks, instances with their releases, steps half done."""

from __future__ import annotations

import os

import durable
import glance
import history
import places
import rotation
import units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_UP, _AT_REST = "active", "inactive"
_NOTE = ".json"


def began() -> Dict[str, Any]:
    """Return what is known of each step that began and did not succeed yet."""
    folder = os.path.dirname(places.began("*"))
    return {name: _read_json(folder, name) or {} for name in _noted(folder)}


def stacks() -> List[str]:
    """Return the folders of the stacks that are installed whole."""
    return _having("complete.json", places.stacks())


def instances(states: Dict[str, str]) -> Dict[str, Any]:
    """Return what each instance's links point at and how its unit is, by those not at rest."""
    found = {}
    # A server outlives links that somebody removes.
    runs = {units.instance(unit): unit for unit, state in states.items() if state == _UP}
    for name in sorted({*glance.names(places.instances()), *runs}):
        folder = places.instance(name)
        current = durable.read_link(folder + "/current")
        about = durable.read_json(current + "/release.json") if current else None
        record = durable.read_record(places.transaction(name), ("outcome",)) or {}
        secrets = durable.read_link(folder + "/secrets")
        found[name] = {
            "current": _base(current),
            "previous": _base(durable.read_link(folder + "/previous")),
            "secrets": _base(secrets),
            "secrets_there": bool(secrets and os.path.isdir(secrets)),
            "served": history.judged(name),
            "releases": [
                release
                for release in _having("release.json", places.releases(name))
                if not release.endswith(".new")
            ],
            "bad": {
                release: (_read_json(places.bad(name), release) or {}).get("why")
                for release in _noted(places.bad(name))
            },
            "unit": about["unit"] if about else runs.get(name),
            "active": states.get(about["unit"]) == _UP if about else False,
            "state": states.get(about["unit"], _AT_REST) if about else None,
            "about": about,
            "out": rotation.why_kept_out(name),
            "waits": (durable.read_json(places.waits(name)) or {}).get("for"),
            "transaction": {
                key: record.get(key) for key in ("release", "outcome", "began", "ended", "why")
            },
        }
    return found


def _having(file: str, folder: str) -> List[str]:
    """Return those folders in a folder that have a file."""
    found = glance.names(folder)
    return [name for name in found if os.path.lexists("{}/{}/{}".format(folder, name, file))]


def _noted(folder: str) -> List[str]:
    """Return what a folder has notes about."""
    return [name[: -len(_NOTE)] for name in glance.names(folder, _NOTE)]


def _read_json(folder: str, about: str) -> Any:
    return durable.read_json("{}/{}{}".format(folder, about, _NOTE))


def _base(path: str | None) -> str | None:
    return os.path.basename(path) if path else None
