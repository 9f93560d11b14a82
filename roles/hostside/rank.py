"""
Begin together, and end together: what an instance over several hosts does beside its engine.

``rank.py start INSTANCE PID`` is run by the start script in the release's folder. It waits until
every host of the group is about to start the same release, then prints what the engine is told as
lines for the shell: a rank binds itself to the head's start that it saw, and the head waits until
all have bound themselves to its own. ``rank.py watch INSTANCE PID`` then ends the server, whose
process is PID, when the start of another host that it is bound to is over: an engine that has lost
a part of itself may wait for it forever. systemd starts it again, and it waits again. The head's
also hears which of the others is out of rotation, and lets no gateway send anything meanwhile; and
which is about to end, and ends before it, once nothing is in flight (``parting.py``).
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from typing import Any, Callable, Dict, List

import draining
import durable
import places
import ranks
import rotation

_LOOK_EVERY_S = 1.0
_WATCH_EVERY_S = 2.0
_SPEAK_EVERY_S = 30.0
# For a server that waits for the host that is gone, even while it is told to end.
_ENDS_WITHIN_S = 20.0


def gather(
    group: ranks.Group, release: str, invocation: str, say: Callable[[str], None]
) -> Dict[str, str]:
    """Wait until all are about to start a release; return the start of each that this one needs."""
    spoken, told = None, ""
    while True:
        waits: Dict[str, str] = {}
        found: Dict[str, str] = {}
        for address in group.others:
            said = group.ask(address)
            waits[address] = _waits_for(group, release, invocation, said)
            found[address] = said.get("invocation", "")
        left = "; ".join("{} {}".format(*one) for one in waits.items() if one[1])
        if not left:
            _remove(places.waits(group.instance))
            return found
        if left != told:
            durable.write_json(places.waits(group.instance), {"for": left})
            told = left
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
    """Wait until a host is not what this one is bound to, or is about to end; return what it is."""
    heard = ranks.Heard(group)
    out: Dict[str, List[str]] = {}
    while True:
        for address, invocation in bound.items():
            said = heard.ask(address)
            if said and ranks.ended(said, invocation):
                return "{} has ended what it started with this host".format(address)
            if said and group.rank == 0:
                parting = said.get("parting")
                out[address] = [*said.get("out", ()), *([parting["why"]] if parting else [])]
                _keep_out(group.instance, out)
                if parting:
                    return _ended_well(group.instance, address, parting)
        silent = heard.silent()
        if silent:
            return silent
        time.sleep(_WATCH_EVERY_S)


def _keep_out(instance: str, out: Dict[str, List[str]]) -> None:
    """Have this host's agent tell gateways what other hosts have told theirs."""
    why = ["{}: {}".format(address, each) for address in out for each in out[address]]
    kept = durable.read_json(places.out_there(instance)) or {"why": []}
    if why and kept["why"] != why:
        durable.write_json(places.out_there(instance), {"why": why})
    elif not why:
        _remove(places.out_there(instance))


def _ended_well(instance: str, address: str, parting: Any) -> str:
    """Wait until nothing is in flight, as long as a host that is about to end allows."""
    why = "{} is about to end ({})".format(address, parting["why"])
    _say("{}; waiting until nothing is in flight".format(why))
    rotation.wait(_say)
    plan = {"instance": instance, "drain_within_s": parting["within_s"]}
    draining.drain(plan, lambda _: None)
    return why


def _remove(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)


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
