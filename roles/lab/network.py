"""One bridge a lab, one network namespace and link a host; no way out of either."""

import ipaddress
import json
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from roles.lab.command import LabError, attempt, run

_HOSTS = 250
_SUBNETS = 250
_INSIDE = "host0"


@dataclass(frozen=True)
class Network:
    """The ``index``-th of the lab subnets of this machine."""

    index: int

    @property
    def subnet(self) -> ipaddress.IPv4Network:
        return ipaddress.IPv4Network(f"10.87.{self.index}.0/24")

    @property
    def gateway(self) -> str:
        return str(self.subnet[1])

    @property
    def bridge(self) -> str:
        return f"mslab{self.index}"

    def address(self, number: int) -> str:
        return str(self.subnet[number + 1])

    def link(self, number: int) -> str:
        return f"{self.bridge}-{number}"

    def has_bridge(self) -> bool:
        return self.gateway in _addresses(self.bridge)

    def make_bridge(self) -> None:
        if not _links(self.bridge):
            run("ip", "link", "add", self.bridge, "type", "bridge")
        run("ip", "address", "replace", f"{self.gateway}/24", "dev", self.bridge)
        run("ip", "link", "set", self.bridge, "up")

    def remove_bridge(self) -> None:
        if _links(self.bridge):
            run("ip", "link", "delete", self.bridge)

    def has_link(self, number: int, namespace: str) -> bool:
        """Whether a host's link is whole; one that is cut is."""
        outside = _links(self.link(number))
        inside = _addresses(_INSIDE, namespace)
        return (
            bool(outside)
            and outside[0].get("master") in (self.bridge, self.own_bridge(number))
            and (self.address(number) in inside)
        )

    def make_link(self, number: int, namespace: str) -> None:
        self.remove_link(number, namespace)
        inside, outside = ["ip", "-n", namespace], self.link(number)
        run("ip", "netns", "add", namespace)
        run(
            "ip",
            "link",
            "add",
            outside,
            "type",
            "veth",
            "peer",
            "name",
            _INSIDE,
            "netns",
            namespace,
        )
        run(*inside, "address", "add", f"{self.address(number)}/24", "dev", _INSIDE)
        run(*inside, "link", "set", "lo", "up")
        run(*inside, "link", "set", _INSIDE, "up")
        run("ip", "link", "set", outside, "master", self.bridge, "up")

    def remove_link(self, number: int, namespace: str) -> None:
        if _links(self.link(number)):
            run("ip", "link", "delete", self.link(number))
        path = Path("/run/netns", namespace)
        if path.exists():
            attempt("ip", "netns", "delete", namespace)
            # A file that a killed run left is no namespace, and ip refuses to delete it.
            path.unlink(missing_ok=True)

    def is_cut(self, number: int) -> bool:
        return "UP" not in _links(self.link(number))[0]["flags"]

    def cut(self, number: int) -> None:
        run("ip", "link", "set", self.link(number), "down")

    def mend(self, number: int) -> None:
        run("ip", "link", "set", self.link(number), "up")

    def shape(self, number: int, namespace: str, mbit: int) -> None:
        """Bound what a host sends and what it is sent, each to ``mbit``."""
        rate = ["tbf", "rate", f"{mbit}mbit", "burst", "256kb", "latency", "50ms"]
        run("tc", "qdisc", "replace", "dev", self.link(number), "root", *rate)
        run("tc", "-n", namespace, "qdisc", "replace", "dev", _INSIDE, "root", *rate)

    def taps(self, number: int) -> tuple[str, str]:
        """Name the links of the program that delays a host's: towards the host, and away."""
        return f"{self.link(number)}a", f"{self.link(number)}b"

    def own_bridge(self, number: int) -> str:
        """Name the bridge that a host's link is on while it is delayed."""
        return f"{self.link(number)}s"

    def detour(self, number: int) -> None:
        """Have a host's link lead through the program that has made the other two."""
        near, far = self.taps(number)
        own = self.own_bridge(number)
        run("ip", "link", "add", own, "type", "bridge")
        for link, bridge in ((near, own), (far, self.bridge), (self.link(number), own)):
            run("ip", "link", "set", link, "master", bridge, "up")
        run("ip", "link", "set", own, "up")

    def straighten(self, number: int) -> bool:
        """Have a host's link lead to the bridge at once; say whether it did not."""
        detoured = bool(_links(self.own_bridge(number)))
        if detoured:
            if _links(self.link(number)):
                run("ip", "link", "set", self.link(number), "master", self.bridge)
            run("ip", "link", "delete", self.own_bridge(number))
        return detoured

    def unshape(self, number: int, namespace: str) -> None:
        # There is nothing to delete where nothing was shaped, and tc calls that an error.
        attempt("tc", "qdisc", "delete", "dev", self.link(number), "root")
        attempt("tc", "-n", namespace, "qdisc", "delete", "dev", _INSIDE, "root")


def refuse_other_counts(count: object) -> None:
    """Stop with a reason unless so many hosts have room in one subnet."""
    if not isinstance(count, int) or not 1 <= count <= _HOSTS:
        raise LabError(f"hosts: {count!r}, a number from 1 to {_HOSTS} is right")


def choose(name: str, taken: Iterable[int]) -> Network:
    """Choose a lab's subnet: the same for the same name, unless someone has it."""
    first = int(sha256(name.encode()).hexdigest(), 16)
    used, routes = set(taken), _routes()
    for step in range(_SUBNETS):
        network = Network((first + step) % _SUBNETS + 1)
        if network.index not in used and not any(network.subnet.overlaps(r) for r in routes):
            return network
    raise LabError(f"10.87.0.0/16: all {_SUBNETS} lab subnets are in use on this machine")


def _routes() -> list[ipaddress.IPv4Network]:
    listed = json.loads(run("ip", "-j", "-4", "route"))
    return [ipaddress.IPv4Network(r["dst"]) for r in listed if r["dst"] != "default"]


def _links(device: str) -> list[Any]:
    result = attempt("ip", "-j", "link", "show", "dev", device)
    return [] if result.returncode else list(json.loads(result.stdout))


def _addresses(device: str, namespace: str = "") -> list[str]:
    where = ["-n", namespace] if namespace else []
    result = attempt("ip", "-j", *where, "-4", "address", "show", "dev", device)
    if result.returncode:
        return []
    return [a["local"] for link in json.loads(result.stdout) if link for a in link["addr_info"]]
