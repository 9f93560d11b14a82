"""
Files of a depot: rsync over SSH appends what is missing to the partial file, and we read it there.

A source is ``{"name", "host", "port", "user", "path", "host_key"}``. Whose host key is another is
not talked to. The private key is in the memory of the job alone, where ssh reads it, and is gone
with the job however that ends.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from typing import Any, Dict, Iterator, List

import jobs
import pace
import patience
import sources
from partial import Partial

_BLOCK = 4 * 1024 * 1024
_AT_ONCE = 4
_LOOK_EVERY_S = 0.05
_SILENT_S = 30
_CONNECT_S = 15
_LIST_S = 60.0
_ENDED_WITHIN_S = 2.0
# Names the depot in known_hosts, whatever its address and port.
_ALIAS = "depot"

# (pattern of what rsync and ssh say, what it means); the first that matches counts.
_REFUSALS = [
    (
        r"Host key verification failed",
        "shows another host key than the pinned one: if the depot was set up anew, look at its "
        "key there and pin that",
    ),
    (r"Load key .*", "has a key that ssh here cannot read ({0})"),
    (
        r"Permission denied \([a-z].*",
        "does not let {user} in ({0}): the public half of the source's key belongs into that "
        "user's authorized_keys there",
    ),
    (r"rsync: (command )?not found|rsync: No such file.*", "has no rsync ({0}): install it there"),
    (r"shell clean.*", "greets whoever comes in, which rsync cannot read: silence its login shell"),
]
# What may be better in a moment, by rsync's exit code: sockets, streams, silence, signals, ssh's.
_AGAIN = (10, 12, 20, 30, 35, 255)


class Rsync:
    """
    A folder of a depot.

    :param key: the private key that lets in; this host's own when not given
    :param folder: where the files come, each at its path
    """

    writes = True

    def __init__(
        self,
        source: Dict[str, str],
        *,
        key: str | None,
        folder: str,
        bound: pace.Pace,
        asked: patience.Patience,
    ) -> None:
        self.name, self.path, self.user = source["name"], source["path"], source["user"]
        self.login = "{user}@{host}".format(**source)
        self.folder, self.bytes_s, self.patience = folder, bound.bytes_s, asked
        # Each rsync has a bound of its own, so with one there is one at a time.
        self.turn = threading.Semaphore(1 if self.bytes_s else _AT_ONCE)
        known = "{} {}\n".format(_ALIAS, source["host_key"])
        options = {
            "BatchMode": "yes",
            "StrictHostKeyChecking": "yes",
            "HostKeyAlias": _ALIAS,
            "UserKnownHostsFile": _in_memory("known-hosts", known),
            "GlobalKnownHostsFile": "/dev/null",
            "UpdateHostKeys": "no",
            "ConnectTimeout": str(_CONNECT_S),
            "ServerAliveInterval": "5",
            "ServerAliveCountMax": "3",
            "LogLevel": "ERROR",
        }
        if key is not None:
            options.update(
                IdentityFile=_in_memory("key", key), IdentitiesOnly="yes", IdentityAgent="none"
            )
        words = ["ssh", "-F", "none", "-p", source["port"]]
        for option, value in options.items():
            words += ["-o", "{}={}".format(option, value)]
        self.shell = " ".join(words)

    def where(self, file: Any) -> str:
        """Return where a file is, as operators read it."""
        return "{}:{}/{}".format(self.login, self.path, file["path"])

    def blocks(self, file: Any, offset: int) -> Iterator[bytes]:
        """
        Yield a file's bytes from ``offset`` to its end as they land in the partial file.

        :raises MissingError: it is not there, or has another size
        :raises UnusableError: the depot refuses, or nothing came for too long
        """
        for program in ("rsync", "ssh"):
            if not shutil.which(program):
                raise sources.UnusableError(
                    "{} is not installed on this host, and nothing else can ask a depot".format(
                        program
                    )
                )
        with self.turn:
            yield from self.patience.blocks(lambda at: self.moved(file, at), file, offset)

    def moved(self, file: Any, offset: int) -> Iterator[bytes]:
        """Yield what one rsync brings."""
        beside = Partial(self.folder, file).beside
        # Nothing of a file of another size is brought.
        words = ["--append", "--timeout={}".format(_SILENT_S)]
        words += ["--{}-size={}".format(end, file["size"]) for end in ("min", "max")]
        if self.bytes_s:
            words.append("--bwlimit={}".format(max(1, int(self.bytes_s / 1024))))
        with tempfile.TemporaryFile() as said, open(beside, "rb") as landed:
            landed.seek(offset)
            rsync = subprocess.Popen(
                self.command(words, file, beside),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
            try:
                while rsync.poll() is None:
                    block = landed.read(_BLOCK)
                    if block:
                        yield block
                    elif self.patience.stop.wait(_LOOK_EVERY_S):
                        raise sources.UnusableError("the fetch was stopped")
            finally:
                _end(rsync)
            yield from iter(lambda: landed.read(_BLOCK), b"")
            if landed.tell() < file["size"]:
                said.seek(0)
                text = said.read().decode("utf-8", "replace").strip()
                raise self.why(file, rsync.returncode, text)

    def command(self, words: List[str], file: Any, *target: str) -> List[str]:
        """Return the command line that asks for a file."""
        return ["rsync", *words, "-e", self.shell, "--", self.where(file), *target]

    def why(self, file: Any, code: int, said: str) -> Exception:
        """Return what it means that a file did not come whole."""
        if code == 0:
            return self.other(file)
        for pattern, words in _REFUSALS:
            found = re.search(pattern, said)
            if found:
                return sources.UnusableError(words.format(found[0], user=self.user))
        first = (said.splitlines() or ["rsync ended with {}".format(code)])[0]
        if code == 11:
            return jobs.JobError(first)
        if "No such file or directory" in said:
            return sources.MissingError("{} is not there".format(self.where(file)))
        if "Permission denied" in said:
            return sources.MissingError(
                "{} cannot be read there by {}".format(self.where(file), self.user)
            )
        return patience.AgainError(first) if code in _AGAIN else sources.UnusableError(first)

    def other(self, file: Any) -> Exception:
        """Return what is there instead of the file, of which nothing was brought."""
        words = ["--list-only", "--no-human-readable", "--timeout={}".format(_SILENT_S)]
        try:
            asked = subprocess.run(
                self.command(words, file),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_LIST_S,
            )
        except subprocess.TimeoutExpired:
            return patience.AgainError("says nothing")
        said = asked.stdout.decode("utf-8", "replace").strip()
        if asked.returncode != 0:
            return self.why(file, asked.returncode, said)
        listed = re.match(r"-\S+ +(\d+) ", said)
        if not listed:
            return sources.MissingError("{} is no plain file".format(self.where(file)))
        try:
            sources.other_size(self.where(file), int(listed[1]), file)
        except sources.MissingError as error:
            return error
        return patience.AgainError("sent nothing")


def _in_memory(name: str, text: str) -> str:
    """Return the path of a file that only root can open, and that is gone with this process."""
    file = os.memfd_create(name)
    os.fchmod(file, 0o600)
    os.write(file, text.encode())
    return "/proc/{}/fd/{}".format(os.getpid(), file)


def _end(rsync: subprocess.Popen[bytes]) -> None:
    """Return when none of its processes writes any more."""
    deadline = time.monotonic() + _ENDED_WITHIN_S
    with contextlib.suppress(ProcessLookupError):
        while time.monotonic() < deadline:
            os.killpg(rsync.pid, signal.SIGKILL)
            rsync.wait()
            time.sleep(0.01)
