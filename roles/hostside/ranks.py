"""
The hosts that serve one instance together: which of them this one is, and how far the others are.

The first of their addresses is the head's, whose journal is the truth for all. Each host's agent
answers ``rank INSTANCE`` with what ``told`` returns, to whoever asks.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import subprocess
import time
from typing import Any, Dict, List

import durable
import jobs
import places
import rotation
import service
import transaction

# An agent is away for a moment when our own scripts are renewed, a network now and then.
SILENT_S = 60.0
_UP = ("activating", "active", "reloading")
_ANSWERS_WITHIN_S = 10.0
# A journal may be long; what is told of it is not.
_LONGEST = 65536


class Group:
    """
    The hosts of one instance.

    :raises OSError: none of their addresses is this host's
    """

    def __init__(self, instance: str, across: Dict[str, Any]) -> None:
        self.instance: str = instance
        self.addresses: List[str] = across["addresses"]
        self.agent: int = across["agent"]
        self.port: int = across["port"]
        found = [at for at, address in enumerate(self.addresses) if own(address)]
        if len(found) != 1:
            raise OSError(
                "this host has {} of the addresses {}, and should have one".format(
                    len(found) or "none", ", ".join(self.addresses)
                )
            )
        self.rank = found[0]

    @property
    def address(self) -> str:
        """This host's address."""
        return self.addresses[self.rank]

    @property
    def head(self) -> str:
        """The address of the host that answers requests."""
        return self.addresses[0]

    @property
    def others(self) -> List[str]:
        """Whom this host goes by: the head by all others, each of them by the head."""
        return [self.head] if self.rank else self.addresses[1:]

    def ask(self, address: str) -> Dict[str, Any]:
        """Return what the host of an address says of the instance; empty when it says nothing."""
        try:
            with socket.create_connection((address, self.agent), _ANSWERS_WITHIN_S) as asked:
                asked.sendall("rank {}\n".format(self.instance).encode())
                said = json.loads(asked.makefile("rb").readline(_LONGEST).decode())
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}


class Heard:
    """Since when each host says nothing that a host goes by, of those that do not answer."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self._silent: Dict[str, float] = {}

    def ask(self, address: str) -> Dict[str, Any]:
        """Return what a host says, as ``Group.ask`` does."""
        asked = time.monotonic()
        said = self.group.ask(address)
        if said:
            self._silent.pop(address, None)
        else:
            self._silent.setdefault(address, asked)
        return said

    def silent(self) -> str:
        """Return which host has been silent for so long that it is lost; empty while none has."""
        for address, since in self._silent.items():
            silent_s = time.monotonic() - since
            if silent_s > SILENT_S:
                return "{} has said nothing for {:.0f} s".format(address, silent_s)
        return ""

    def lost(self) -> str:
        """Ask each of them, and return the same."""
        for address in self.group.others:
            self.ask(address)
        return self.silent()


def of(instance: str, described: Any) -> Group | None:
    """Return the hosts that serve a release, by what it says of itself; none when it is one."""
    across = (described or {}).get("across")
    return Group(instance, across) if across else None


def told(instance: str) -> Dict[str, Any]:
    """Return what the other hosts have to know; nothing of an instance that is on this one only."""
    release = transaction.current(instance)
    described = transaction.described(instance, release)
    last = transaction.Transaction.of(instance)
    group = last.record.get("group") if last else None
    if not group and not (described or {}).get("across"):
        return {}
    unit = service.shown(described["unit"]) if described else {}
    return {
        "release": release,
        "state": state(unit),
        "invocation": unit.get("InvocationID", ""),
        "bound": durable.read_json(places.bound(instance)) or {},
        "out": rotation.kept_out_here(instance),
        "parting": _parting(instance, unit),
        "transaction": _journal(last.record) if last and group else None,
        # Asked of systemd only where somebody may wait for it: others ask every moment.
        "at_work": bool(last and group and not last.over) and jobs.active("activate-" + instance),
    }


def state(unit: Dict[str, str]) -> str:
    """Return how a unit is, by what ``service.shown`` tells of it."""
    sub, found = unit.get("SubState", ""), unit.get("ActiveState", "inactive")
    # Called activating, though nothing of it runs until the next start.
    return sub if sub.startswith("auto-restart") else found


def waiting(instance: str) -> str:
    """Return whom a start of an instance waits for, as the end of a line; mostly nothing."""
    waits = durable.read_json(places.waits(instance))
    return ", waiting to begin together: {}".format(waits["for"]) if waits else ""


def ended(said: Dict[str, Any], invocation: str) -> bool:
    """Say whether a start of another host is over, by what that host says."""
    return said["invocation"] != invocation or said["state"] not in _UP


def _parting(instance: str, unit: Dict[str, str]) -> Any:
    """Return what ``parting.py`` has said of this start; what it said of another is over."""
    said = durable.read_json(places.parting(instance))
    return said if said and said["invocation"] == unit.get("InvocationID") else None


def _journal(record: Dict[str, Any]) -> Dict[str, Any]:
    steps = [step["step"] for step in record["steps"]]
    told = {key: record[key] for key in ("release", "group", "outcome")}
    return dict(told, steps=steps, why=str(record.get("why", ""))[:2000])


def own(address: str) -> bool:
    """Say whether an address is this host's: it reaches its own addresses from themselves."""
    kind = socket.AF_INET6 if ipaddress.ip_address(address).version == 6 else socket.AF_INET
    with socket.socket(kind, socket.SOCK_DGRAM) as asked:
        try:
            asked.connect((address, 9))
        except OSError:
            return False
        there = asked.getsockname()[0].split("%")[0]
    return ipaddress.ip_address(there) == ipaddress.ip_address(address)


def interface(address: str) -> str:
    """
    Return the network interface that has an address.

    :raises OSError: ``ip`` does not tell
    """
    said = subprocess.run(
        ["ip", "-o", "address", "show", "to", address], stdout=subprocess.PIPE, text=True
    )
    words = said.stdout.split()
    if len(words) < 2:
        raise OSError("ip of iproute2 does not say which interface has {}".format(address))
    return words[1].rstrip(":")


def connected(group: Group) -> bool:
    """Say whether something on this host has a connection to the head's port for the group."""
    asked = ["ss", "-H", "-t", "-n", "state", "established"]
    asked += ["dst", _endpoint(group.head, group.port)]
    return bool(subprocess.run(asked, stdout=subprocess.PIPE, text=True).stdout.strip())


def _endpoint(address: str, port: int) -> str:
    return "[{}]:{}".format(address, port) if ":" in address else "{}:{}".format(address, port)
