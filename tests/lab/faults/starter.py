"""
Starts runs of pyinfra that begin at once: it has read all modules, and forks for each.

What runs is pyinfra's own command line, in a process and a session of its own. ``python -m
tests.lab.faults.starter`` reads a line of JSON a run: ``{"words", "environment", "folder": of the
files "out", "err", "pid" and "code"}``.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self

from roles.lab import places


class Started:
    """A run, with those words of ``subprocess.Popen`` that are used here."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.returncode: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Wait for its end, as Popen does."""
        self.communicate()

    @property
    def pid(self) -> int:
        """The process, which leads a group of its own."""
        return int(self._told("pid"))

    def poll(self) -> int | None:
        """Return the exit code, negative for a signal, ``None`` while it runs."""
        if self.returncode is None and (self.folder / "code").exists():
            self.returncode = int(self._told("code"))
        return self.returncode

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Wait for its end, and return what it printed."""
        until = time.monotonic() + timeout if timeout else None
        while self.poll() is None:
            if until and time.monotonic() > until:
                raise subprocess.TimeoutExpired(["pyinfra"], timeout or 0)
            time.sleep(0.05)
        return _read(self.folder / "out"), _read(self.folder / "err")

    @property
    def said(self) -> str:
        """What it has printed so far."""
        return _read(self.folder / "out") + _read(self.folder / "err")

    def _told(self, name: str) -> str:
        while not (text := _read(self.folder / name)).endswith("\n"):
            time.sleep(0.01)
        return text


class Starter:
    """The process that forks."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.count = folder, 0
        folder.mkdir(exist_ok=True)
        self.process = subprocess.Popen(
            [sys.executable, "-m", __name__],
            cwd=places.REPOSITORY,
            stdin=subprocess.PIPE,
            start_new_session=True,
        )

    def start(self, words: list[str], environment: dict[str, str]) -> Started:
        """Start a run of pyinfra and return at once."""
        self.count += 1
        folder = self.folder / f"{os.getpid()}-{self.count}"
        folder.mkdir()
        asked = {"words": words, "environment": environment, "folder": str(folder)}
        given: IO[bytes] | None = self.process.stdin
        assert given is not None
        # One write, so that runs which are started at once do not mix.
        os.write(given.fileno(), json.dumps(asked).encode() + b"\n")
        return Started(folder)

    def end(self) -> None:
        """Start no more."""
        if self.process.stdin:
            self.process.stdin.close()
        self.process.wait()


def _read(path: Path) -> str:
    return path.read_text() if path.exists() else ""


def _run(asked: Any) -> None:
    """Be the run."""
    import gevent
    from pyinfra_cli.main import main  # type: ignore[import-untyped]

    os.setsid()
    for descriptor, name in ((1, "out"), (2, "err")):
        os.dup2(os.open(f"{asked['folder']}/{name}", os.O_WRONLY | os.O_CREAT), descriptor)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.environ.clear()
    os.environ.update(asked["environment"])
    sys.argv = ["pyinfra", *asked["words"]]
    # As from a terminal; what a shell starts behind it does not hear Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    gevent.reinit()
    main()


def _watch(asked: Any, fork: Any, waitpid: Any) -> None:
    """Have a child be the run, and tell its process and its end."""
    pid = fork()
    if pid == 0:
        _run(asked)
    folder = Path(asked["folder"])
    (folder / "pid").write_text(f"{pid}\n")
    _, status = waitpid(pid, 0)
    (folder / "code").write_text(f"{os.waitstatus_to_exitcode(status)}\n")


def main() -> None:
    """See the top of the file."""
    import pyinfra_cli.main  # type: ignore[import-untyped]  # noqa: F401
    from gevent import monkey

    from inventories.weights import canary  # noqa: F401
    from roles import gateway, preflight, release, report, status  # noqa: F401

    # gevent's own would have a loop before there is a run.
    fork, waitpid = monkey.get_original("os", "fork"), monkey.get_original("os", "waitpid")
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with os.fdopen(os.dup(0), "rb", buffering=0) as asking:
        for line in asking:
            if fork() == 0:
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                _watch(json.loads(line), fork, waitpid)
                os._exit(0)


if __name__ == "__main__":
    main()
