"""
Bring a model from the other hosts of a run that need it or have it, and give it to them.

The plan of the job: ``{"name", "phase", "digest", "folder", "holds": whether the files are here and
right, "files": [{"path", "size", "sha256"}], "torrent": in base 64, "address", "port", "peers":
[[address, port]], "share": [which, of how many] pieces to ask for first, "limit_mib_s", "later": as
for ``fetch.py``, "tool": LOCK of libtorrent, "packages"}``; certificate and key of the run come
apart (``tokens.py``). Every block is held against the torrent before it is written, and every file
against the manifest before it gets its name. With the result the job does not end: it gives to
others until it is stopped, or nobody has asked for a while.

``swarm.py about FOLDER NETWORK`` prints ``{"address": of this host in the network, "torrent"}``.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import os
import shutil
import signal
import socket
import sys
import time
from typing import Any, Dict, List

import durable
import fetch
import hashed
import jobs
import peer
import progress
import revisions
import tokens
import torrent
from partial import Partial

_LOOK_EVERY_S = 0.5
_PATIENCE_S = 60.0
_ALONE_S = 600.0


class SwarmError(jobs.JobError):
    """The other hosts could not be asked, or did not give everything."""


class Swarm:
    """This host's part in one swarm."""

    def __init__(self, plan: Any, say: progress.Progress, shown: Dict[str, str]) -> None:
        self.plan, self.progress = plan, say
        self.folder: str = plan["folder"]
        self.beside = self.folder + ".swarm"
        self.fetch = fetch.Fetch(dict(plan, sources=[], proxy=None), say, {})
        self.missing: Dict[str, Any] = {}
        self.client = peer.Peer(plan, say, shown)

    def run(self) -> str:
        """Leave every file right, go on giving them to others, and return what was done."""
        if self.plan["holds"]:
            self.client.give(os.path.dirname(self.folder))
            return "{}: given to the other hosts".format(self.plan["name"])
        began = time.monotonic()
        os.makedirs(self.folder, mode=0o755, exist_ok=True)
        self.lay_out()
        if self.missing:
            self.fetch.room([Partial(self.folder, file) for file in self.missing.values()])
        self.client.take(self.beside)
        try:
            self.bring()
        except BaseException:
            self.salvage()
            raise
        torrent.keep(self.folder, base64.b64decode(self.plan["torrent"]))
        self.fetch.settle()
        return "{}: brought from the other hosts and verified in {}".format(
            self.plan["name"], progress.duration(time.monotonic() - began)
        )

    def lay_out(self) -> None:
        """Put what is here of the files where the swarm looks for it."""
        for file in self.plan["files"]:
            there = "{}/{}/{}".format(self.beside, os.path.basename(self.folder), file["path"])
            os.makedirs(os.path.dirname(there), mode=0o755, exist_ok=True)
            named = "{}/{}".format(self.folder, file["path"])
            if self.fetch.right(file) or revisions.share(self.folder, file):
                revisions.give_name(named, there)
                continue
            if not file["size"]:
                os.makedirs(os.path.dirname(named), mode=0o755, exist_ok=True)
                with open(named, "wb"):
                    continue
            self.missing[there] = file
            if os.path.isfile(named + ".partial"):
                os.replace(named + ".partial", there)

    def bring(self) -> None:
        """
        Take until everything is here, name each file as it becomes whole.

        :raises SwarmError: nothing came for too long, or what came is not as pinned
        """
        seen, since = -1, time.monotonic()
        while self.missing:
            state = self.client.look()
            if state.done != seen or state.checking:
                seen, since = state.done, time.monotonic()
            for there in [path for path in state.whole if path in self.missing]:
                self.name(there, self.missing.pop(there))
            if time.monotonic() - since > _PATIENCE_S:
                raise SwarmError(
                    "nothing came from the other hosts for {}, {} of them answered".format(
                        progress.duration(_PATIENCE_S), state.connected
                    )
                )
            self.progress.say(
                "checking what is here" if state.checking else
                "bringing from " + _hosts(state.connected),
                state.done, state.total,
            )  # fmt: skip
            if self.missing:
                time.sleep(_LOOK_EVERY_S)

    def name(self, there: str, file: Any) -> None:
        """Give a file its name, if it is the one of the manifest."""
        found = hashed.sha256(there)
        if found != file["sha256"]:
            raise SwarmError(
                "{} has sha256 {} as the other hosts have it, the manifest says {}; verify the "
                "weights of the host that gave it first".format(file["path"], found, file["sha256"])
            )
        os.chmod(there, 0o644)
        revisions.give_name(there, "{}/{}".format(self.folder, file["path"]))

    def salvage(self) -> None:
        """Leave the beginning of each file to whoever brings it from elsewhere."""
        for there, length in self.client.beginnings().items():
            if there in self.missing and length and os.path.isfile(there):
                os.truncate(there, length)
                named = "{}/{}.partial".format(self.folder, self.missing[there]["path"])
                os.makedirs(os.path.dirname(named), mode=0o755, exist_ok=True)
                os.replace(there, named)
        shutil.rmtree(self.beside, ignore_errors=True)

    def stay(self, told: Any) -> None:
        """Give to others until stopped, or until nobody asks any more; tell how much it was."""
        try:
            last, since = -1, time.monotonic()
            while time.monotonic() - since < _ALONE_S:
                sent = self.client.look().sent
                if sent != last:
                    last, since = sent, time.monotonic()
                time.sleep(_LOOK_EVERY_S)
        finally:
            shutil.rmtree(self.beside, ignore_errors=True)
            told(self.client.look().sent, self.client.damaged)


def about(folder: str, network: str) -> Dict[str, Any]:
    """Return this host's address in a network, and the torrent that it keeps of a folder."""
    kept = torrent.read(folder)
    return {
        "address": address(network),
        "torrent": base64.b64encode(kept).decode() if kept else None,
    }


def address(network: str) -> str | None:
    """Return the address by which this host reaches a network, if it is one of it."""
    wanted = ipaddress.IPv4Network(network)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        try:
            # Nothing is sent: the kernel says which address it would send from.
            asked.connect((str(wanted.network_address + 1), 9))
        except OSError:
            return None
        found = str(asked.getsockname()[0])
    return found if ipaddress.IPv4Address(found) in wanted else None


def _hosts(count: int) -> str:
    return "{} host{}".format(count, "" if count == 1 else "s")


def main() -> None:
    """See the top of the file."""
    if sys.argv[1] == "about":
        print(json.dumps(about(*sys.argv[2:])))
        return
    folder = sys.argv[1]
    plan = durable.read_json(folder + "/plan.json")
    shown = tokens.take(folder).get("swarm", {})
    # Whatever is at work then ends as at the end of its time.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(0))
    result: Dict[str, Any]
    try:
        here = Swarm(plan, progress.Progress(folder), shown)
        result = {"ok": True, "summary": here.run(), "goes_on": True}
    except (jobs.JobError, OSError) as error:
        said = "{}: not from the other hosts: {}".format(plan["name"], error)
        result = {"ok": False, "summary": said}
    print(result["summary"], flush=True)
    jobs.finish(folder, result)
    if result["ok"]:
        here.stay(lambda sent, damaged: jobs.finish(folder, dict(result, did=_told(sent, damaged))))


def _told(sent: int, damaged: List[str]) -> str:
    words = "gave {} to the other hosts".format(progress.size(sent))
    if damaged:
        words += (
            "; {} differ from what was verified here and were refused: hash the weights of this "
            "host with deploy/verify_weights.py".format(", ".join(damaged))
        )
    return words


if __name__ == "__main__":
    main()
