"""Two hosts that serve the stand-in engine, and a third before them with a real HAProxy."""

import json
import socket
from dataclasses import dataclass

from roles.lab import LabHost
from tests.lab.load import Target
from tests.lab.site import Site as Plain
from tests.lab.waiting import AT_MOST_S

EDGE = "sk-edge-4hRw8Zq1Nc6TyPj3Vx"
PORT, OWN, AGENT = 8443, 29652, 29651

_IMPORTS = """
def _more(name):
    if name != {gateway!r}:
        return {{"agent": Agent(asked_every_s=1)}}
    return {{"gateway": Gateway(
        address="0.0.0.0", port={port}, models=("canary",),
        clients=(Client(name="team-a", key=Secret(env="TEST_EDGE_KEY")),), {fields}
    )}}

def _one_of_each():
    found = {{check.kind: check for check in canary.WEIGHTS.checks}}
    return tuple(found.values())
"""


@dataclass
class Site(Plain):
    """An operator's view of the three."""

    fields: str = ""

    def serve(self, *seeds: int, **fields: object) -> None:
        """Say which release each of the two serves, by a number, and how the gateway differs."""
        self.fields = ", ".join(f"{name}={value!r}" for name, value in fields.items())
        gateway = self.gateway.name
        self.imports = _IMPORTS.format(gateway=gateway, port=PORT, fields=self.fields)
        self.more = "**_more(name)"
        slow = json.dumps({"standin": {"answer_s": 1}})
        words = "('--hf-overrides', {!r}, '--seed', '{}')"
        self.want(
            *(
                f"(_instance(address='0.0.0.0', checks=_one_of_each(), drain_within_s=60, "
                f"extra={words.format(slow, seed)}),)"
                for seed in seeds
            )
        )

    @property
    def gateway(self) -> LabHost:
        """The host that clients talk to."""
        return self.hosts[2]

    @property
    def target(self) -> Target:
        """What clients ask."""
        return Target(self.gateway.address, PORT, EDGE)

    def in_rotation(self) -> dict[str, str]:
        """Return what the gateway thinks of each instance: ``UP``, ``DRAIN``, ``DOWN`` …"""
        return in_rotation(self.gateway)

    @property
    def worker(self) -> str:
        """The process that takes new connections."""
        main = self.gateway.run("systemctl show -P MainPID metalserve-gateway").stdout.strip()
        return self.gateway.run(f"pgrep -n -P {main}").stdout.strip()


def in_rotation(gateway: LabHost) -> dict[str, str]:
    """Return what a gateway thinks of each instance: ``UP``, ``DRAIN``, ``DOWN`` …"""
    page = gateway.run(f"curl -s http://127.0.0.1:{OWN}/metrics").stdout
    found = {}
    for line in page.splitlines():
        if line.startswith("haproxy_server_status{") and line.endswith(" 1"):
            labels = dict(
                word.split("=", 1) for word in line.partition("{")[2].split("}")[0].split(",")
            )
            found[labels["server"].strip('"')] = labels["state"].strip('"')
    return found


def told(host: LabHost, instance: str = "chat") -> str:
    """Ask a host what it tells gateways of an instance; nothing while nobody is there to tell."""
    try:
        with socket.create_connection((host.address, AGENT), timeout=AT_MOST_S) as asked:
            asked.sendall(f"{instance}\n".encode())
            return asked.makefile().readline().strip()
    except ConnectionError:
        return ""
