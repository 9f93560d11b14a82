"""
Let the gateway serve with another configuration, without closing a connection.

``gateway.py serve`` reads ``{"name", "files": {name: text}, "binds": [port], "digest", "managed"}``
from its input: the files come into a folder of that name, ``haproxy.cfg`` among them, and take
effect once HAProxy has found nothing wrong. Where it does not work, what served before serves on.
``gateway.py remember`` keeps what is known of each server for the process that takes over.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from typing import Any, List

import durable
import places
import ports
import receipts
import service

_HAPROXY = "/usr/sbin/haproxy"
_TAKES_OVER_S = 15.0
_EVERY_S = 0.1
_ASK_S = 5.0
_LINES = 15


class GatewayError(Exception):
    """The configuration cannot serve; the message says why and what serves."""


def serve(wanted: Any) -> str:
    """Serve with a configuration; return what was done."""
    folder, current = _laid_out(wanted), places.gateway() + "/current"
    before = durable.read_link(current)
    runs = service.active(places.GATEWAY_UNIT)
    on = "the one before serves on" if runs else "no gateway runs"
    _validate(folder, on)
    _refuse_taken(wanted["binds"], on)
    durable.link(current, folder)
    subprocess.run(["systemctl", "enable", "--quiet", places.GATEWAY_UNIT])
    began = time.monotonic()
    why = _reloaded() if runs else _started()
    if why:
        durable.link(current, before)
        if not runs:
            service.stop(places.GATEWAY_UNIT)
        lines = service.log(places.GATEWAY_UNIT, began)[-_LINES:]
        told = "\n  ".join(["{}; {}".format(why, on), *lines])
        raise GatewayError(told)
    if before and before != folder:
        durable.link(places.gateway() + "/previous", before)
    _forget_others()
    return "reloaded, no connection was closed" if runs else "started"


def _laid_out(wanted: Any) -> str:
    folder = "{}/{}".format(places.gateway(), wanted["name"])
    os.makedirs(places.gateway(), mode=0o700, exist_ok=True)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for closed in (places.gateway(), folder):
        os.chmod(closed, 0o700)
    for name, text in wanted["files"].items():
        durable.write("{}/{}".format(folder, name), text, 0o600)
    return folder


def _validate(folder: str, on: str) -> None:
    said = subprocess.run(
        [_HAPROXY, "-c", "-f", folder + "/haproxy.cfg"],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if said.returncode:
        wrong = [line for line in said.stdout.splitlines() if "[ALERT]" in line]
        if folder != durable.read_link(places.gateway() + "/current"):
            shutil.rmtree(folder)
        raise GatewayError(
            "\n  ".join(["HAProxy refuses the configuration; {}".format(on), *wrong])
        )


def _refuse_taken(binds: List[int], on: str) -> None:
    """Refuse a port of somebody else's: HAProxy would close its own for the time that it tries."""
    for found in ports.listening():
        if found["port"] in binds and found["unit"] != places.GATEWAY_UNIT:
            raise GatewayError(
                "port {} is held by {}; {}".format(found["port"], ports.holder(found["port"]), on)
            )


def _started() -> str:
    if service.start(places.GATEWAY_UNIT, _TAKES_OVER_S, lambda _: None):
        return ""
    return "HAProxy did not start"


def _reloaded() -> str:
    """Let another process take over the connections to come; say why none did."""
    before = _worker()
    said = subprocess.run(
        ["systemctl", "reload", places.GATEWAY_UNIT],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if said.returncode:
        return "systemd could not reload it: {}".format(said.stdout.strip())
    deadline = time.monotonic() + _TAKES_OVER_S
    while time.monotonic() < deadline:
        now = _worker()
        if now and now != before:
            return ""
        time.sleep(_EVERY_S)
    return "no process took over within {:.0f} s".format(_TAKES_OVER_S)


def _worker() -> str:
    """Return the process that takes new connections, empty when none answers."""
    for line in _asked("show info").splitlines():
        key, _, value = line.partition(":")
        if key == "Pid":
            return value.strip()
    return ""


def _asked(question: str) -> str:
    """Return what HAProxy answers on its own socket, empty when it does not."""
    found = b""
    with socket.socket(socket.AF_UNIX) as asked, contextlib.suppress(OSError):
        asked.settimeout(_ASK_S)
        asked.connect(places.GATEWAY_RUN + "/stats.sock")
        asked.sendall(question.encode() + b"\n")
        asked.shutdown(socket.SHUT_WR)
        while True:
            part = asked.recv(65536)
            if not part:
                break
            found += part
    return found.decode("utf-8", "replace")


def remember() -> None:
    """Keep who is up and who is drained: whoever takes over would think that all are up."""
    states = _asked("show servers state").splitlines()
    if states:
        with open(places.gateway() + "/current/haproxy.cfg") as file:
            kept = _unmoved(states, file.read())
        durable.write(places.GATEWAY_RUN + "/servers.state", kept, 0o600)


def _unmoved(states: List[str], text: str) -> str:
    """Return the states of servers whose ports stay: HAProxy would believe the old ones."""
    wanted = {}
    for words in [line.split() for line in text.splitlines()]:
        if words[:1] == ["server"]:
            wanted[words[1]] = [words[2].rpartition(":")[2], words[words.index("agent-port") + 1]]
    names: List[str] = []
    kept = []
    for line in states:
        words = line.split()
        if words[:1] == ["#"]:
            names = words[1:]
        elif len(words) == len(names) and names:
            found = dict(zip(names, words))
            ports_now = [found["srv_port"], found["srv_agent_port"]]
            if wanted.get(found["srv_name"]) != ports_now:
                continue
        kept.append(line)
    return "".join(line + "\n" for line in kept)


def _forget_others() -> None:
    """Delete every configuration but the current one and the one before."""
    kept = {durable.read_link(places.gateway() + "/" + name) for name in ("current", "previous")}
    for name in os.listdir(places.gateway()):
        path = places.gateway() + "/" + name
        if not os.path.islink(path) and path not in kept:
            shutil.rmtree(path, ignore_errors=True)


def main() -> None:
    """See the top of the file."""
    if sys.argv[1] == "remember":
        remember()
        return
    wanted = json.load(sys.stdin)
    try:
        print(serve(wanted))
        receipts.write("gateway", wanted["digest"], wanted["managed"])
    except (GatewayError, OSError) as error:
        raise SystemExit("the gateway was not changed: {}".format(error)) from error


if __name__ == "__main__":
    main()
