"""
Begin together: what an instance over several hosts does before its engine starts.

``rank.py start INSTANCE PID`` is run by the start script in the release's folder. It waits until
every host of the group is about to start the same release, then prints what the engine is told as
lines for the shell: a rank binds itself to the head's start that it saw, and the head waits until
all have bound themselves to its own. ``rank.py watch INSTANCE PID`` then ends the server, whose
process is PID, when the start of another host that it is bound to is over: an engine that has lost
a part of itself may wait for it forever. systemd starts it again, and it waits again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Dict

import durable
import places
import ranks

_LOOK_EVERY_S = 1.0
_WATCH_EVERY_S = 2.0
_SPEAK_EVERY_S = 30.0
# An agent is away for a moment when our own scripts are renewed, a network now and then.
_SILENT_S = 60.0
_UP = ("activating", "active", "reloading")
# For a server that waits for the host that is gone, even while it is told to end.
_ENDS_WITHIN_S = 20.0


def gather(
    group: ranks.Group, release: str, invocation: str, say: Callable[[str], None]
) -> Dict[str, str]:
    """Wait until all are about to start a release; return the start of each that this one needs."""
    spoken = None
    while True:
        waits: Dict[str, str] = {}
        found: Dict[str, str] = {}
        for address in group.others:
            said = group.ask(address)
            waits[address] = _waits_for(group, release, invocation, said)
            found[address] = said.get("invocation", "")
        left = "; ".join("{} {}".format(*one) for one in waits.items() if one[1])
        if not left:
            return found
        if spoken is None or time.monotonic() - spoken >= _SPEAK_EVERY_S:
            spoken = time.monotonic()
            say("waiting to begin together: " + left)
        time.sleep(_LOOK_EVERY_S)


def _waits_for(group: ranks.Group, release: str, invocation: str, said: Dict[str, Any]) -> str:
    """Return what another host is not yet; empty when there is nothing to wait for."""
    if not said:
        return "does not say how far it is (agent, port {})".format(group.agent)
    if said["release"] != release:
        return "is on {}, this host on {}".format(said["release"] or "no release", release)
    if said["state"] != "activating":
        return "is {}, not about to start".format(said["state"])
    if group.rank == 0 and said["bound"].get(group.address) != invocation:
        return "is about to start with an earlier start of this host"
    if group.rank and said["bound"]:
        return "has started with the others, and starts again once it sees that this one is gone"
    return ""


def lost(group: ranks.Group, bound: Dict[str, str]) -> str:
    """Wait until a host is not what this one is bound to; return what it is."""
    heard = {address: time.monotonic() for address in bound}
    while True:
        for address, invocation in bound.items():
            said = group.ask(address)
            if said:
                heard[address] = time.monotonic()
                if said["invocation"] != invocation or said["state"] not in _UP:
                    return "{} has ended what it started with this host".format(address)
            elif time.monotonic() - heard[address] > _SILENT_S:
                return "{} has said nothing for {:.0f} s".format(address, _SILENT_S)
        time.sleep(_WATCH_EVERY_S)


def variables(group: ranks.Group) -> Dict[str, str]:
    """Return what the start script has to know, as shell variables."""
    network = ranks.interface(group.address)
    return {
        "rank": str(group.rank),
        "headless": "--headless" if group.rank else "",
        # What it tells the others to reach it by, and what its libraries choose by.
        "VLLM_HOST_IP": group.address,
        "GLOO_SOCKET_IFNAME": network,
        "NCCL_SOCKET_IFNAME": network,
    }


def start(instance: str, pid: str) -> None:
    """See the top of the file."""
    group = _group(instance)
    found = variables(group)
    release = os.path.basename(os.path.realpath("."))
    bound = gather(group, release, os.environ["INVOCATION_ID"], _say)
    durable.write_json(places.bound(instance), bound)
    watch = [sys.executable, os.path.realpath(__file__), "watch", instance, pid]
    # Whoever reads what this prints waits until nobody can print any more.
    subprocess.Popen(watch, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    _say("begins as rank {} of {}".format(group.rank, len(group.addresses)))
    for name, value in found.items():
        print("{}={}".format(name, value))


def watch(instance: str, pid: int) -> None:
    """See the top of the file."""
    bound = durable.read_json(places.bound(instance)) or {}
    _say(lost(_group(instance), bound) + "; the server ends and begins again with all")
    os.kill(pid, signal.SIGTERM)
    time.sleep(_ENDS_WITHIN_S)
    os.kill(pid, signal.SIGKILL)


def _group(instance: str) -> ranks.Group:
    found = ranks.of(instance, durable.read_json("release.json"))
    if found is None:
        raise SystemExit("{}: its release is not for several hosts".format(instance))
    return found


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def main() -> None:
    """See the top of the file."""
    if len(sys.argv) != 4 or sys.argv[1] not in ("start", "watch"):
        raise SystemExit("usage: rank.py start INSTANCE PID | watch INSTANCE PID")
    try:
        if sys.argv[1] == "start":
            start(sys.argv[2], sys.argv[3])
        else:
            watch(sys.argv[2], int(sys.argv[3]))
    except OSError as error:
        raise SystemExit("{}: {}".format(sys.argv[2], error)) from error


if __name__ == "__main__":
    main()
