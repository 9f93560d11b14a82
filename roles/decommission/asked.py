"""What an operator asks to go, and what of it stays."""

import re
from typing import Any

from pyinfra.api import DeployError

from roles import lock
from roles.spec import HostSpec

Plan = dict[str, Any]

# It becomes part of paths that are deleted.
_NAME = re.compile(r"[a-z][a-z0-9-]{0,19}")
_PARTS = ("agent", "gateway")
_STAYING = ("weights", "audit")


def plan(spec: HostSpec, data: dict[str, Any]) -> Plan:
    """
    Return the plan of ``decommission.py``.

    :param data: ``weights`` and ``audit``: ``keep``, unless ``erase``; ``instance``, ``part``: what
        is to go alone
    :raises DeployError: it is none
    """
    keys = (*_STAYING, "instance", "part")
    # One that is given without a value must not stand for all of a host.
    told = {key: str(data[key]) for key in keys if data.get(key) is not None}
    for key in _STAYING:
        if told.get(key, "keep") not in ("keep", "erase"):
            raise DeployError(f"{key}: {told[key]!r}, keep and erase are right")
    if told.get("part", _PARTS[0]) not in _PARTS:
        raise DeployError(f"part: {told['part']!r}, agent and gateway are right")
    if not _NAME.fullmatch(told.get("instance", "any")):
        raise DeployError(f"instance: {told['instance']!r}, the name of an instance is right")
    if len(told.keys() & {"instance", "part"}) == 2:
        raise DeployError("instance and part: were given together, one at a time is right")
    alone = told.get("instance", told.get("part"))
    for key in _STAYING if alone else ():
        if key in told:
            raise DeployError(f"{key}: goes with a whole host, and stays when {alone} goes alone")
    drains = {one.name: one.drain_within_s for one in spec.instances}
    return {
        "name": alone or "this host",
        "instance": told.get("instance"),
        "part": told.get("part"),
        "drains": drains,
        # Of one that no inventory speaks of any more.
        "longest_s": max(drains.values(), default=120),
        "weights_root": spec.weights_root,
        "erase": [key for key in _STAYING if told.get(key) == "erase"],
        "who": lock.owner()["who"],
    }


def still_wanted(spec: HostSpec, wanted: Plan) -> str | None:
    """Say why a part may not go: the next run would bring it again."""
    in_spec = {
        "agent": spec.agent is not None,
        "gateway": spec.gateway is not None,
        **{f"instance {one.name}": True for one in spec.instances},
    }
    name = f"instance {wanted['instance']}" if wanted["instance"] else str(wanted["part"])
    if not in_spec.get(name):
        return None
    return (
        f"{name} is in the inventory, so that the next run would bring it again; take it out there "
        "first; nothing was changed"
    )
