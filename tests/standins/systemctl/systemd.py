"""
A stand-in of systemd: ``systemctl``, ``systemd-run`` and ``journalctl`` first on the path.

Its units of instances are servers inside the test's own process, its jobs are real processes. What
the real one refuses it refuses too; a command that it does not know is kept in ``unknown``.
"""

import fnmatch
import json
import os
import signal
import socketserver
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.standins.systemctl.answering import Answering, Manner

BIN = Path(__file__).parent / "bin"


@dataclass
class _Unit:
    state: str = "inactive"
    starts: int = 0
    server: Answering | None = None
    process: subprocess.Popen[str] | None = None


@dataclass(frozen=True)
class _Answer:
    code: int = 0
    said: str = ""


@dataclass
class Systemd:
    """
    The stand-in.

    :param root: where our own things lie
    :param unit_files: where unit files lie
    """

    root: Path
    unit_files: Path
    manners: dict[str, Manner] = field(default_factory=dict)
    """How the servers of a release behave; well, unless given."""
    calls: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    journal: list[tuple[float, str, str]] = field(default_factory=list)
    units: dict[str, _Unit] = field(default_factory=dict)
    read: dict[str, int | None] = field(default_factory=dict)
    """When the file of each unit that was read was written; ``None`` where there was none."""
    refuses_jobs: str = ""
    """What ``systemd-run`` says instead of starting anything."""
    system_state: str = "running"
    on_call: Callable[[str], None] = lambda _: None
    """Hears each command before it is obeyed."""

    def __post_init__(self) -> None:
        self._desk = _Desk(("127.0.0.1", 0), _Clerk)
        self._desk.systemd = self
        self._thread = threading.Thread(target=self._desk.serve_forever, args=(0.01,))
        self._thread.start()
        self._jobs: list[threading.Thread] = []

    def close(self) -> None:
        """End everything."""
        for name, unit in list(self.units.items()):
            if unit.process and unit.process.poll() is None:
                unit.process.kill()
            if unit.server:
                self._stop(name)
        for job in self._jobs:
            job.join()
        self._desk.shutdown()
        self._desk.server_close()
        self._thread.join()

    @property
    def environment(self) -> dict[str, str]:
        """The variables that commands need to find it."""
        path = f"{BIN}{os.pathsep}{os.environ['PATH']}"
        return {"PATH": path, "STANDIN_SYSTEMD": str(self._desk.server_address[1])}

    def active(self, unit: str) -> bool:
        """Say whether a unit is up."""
        return self.units.get(unit, _Unit()).state == "active"

    def served(self, unit: str) -> Manner | None:
        """The manner of the server that a unit runs."""
        server = self.units.get(unit, _Unit()).server
        return server.manner if server else None

    def log(self, unit: str, line: str) -> None:
        """Let a unit have said something."""
        self.journal.append((time.monotonic(), unit, line))

    def power_off(self) -> None:
        """Every server and every job is gone at once."""
        for name, unit in list(self.units.items()):
            if unit.server:
                self._stop(name)
        self.units.clear()

    def boot(self) -> None:
        """Start what is to be started at boot."""
        for link in sorted((self.unit_files / "multi-user.target.wants").glob("*.service")):
            self._start(link.name)

    def at_work(self, unit: str) -> None:
        """Let a job be at work."""
        self.units[unit] = _Unit(state="active")

    def kill(self, unit: str) -> None:
        """Let a job die on the spot; what it says is to be done afterwards is done."""
        process = self.units[unit].process
        assert process is not None
        process.send_signal(signal.SIGKILL)

    def obey(self, words: list[str]) -> _Answer:
        """Do what a command says."""
        said = " ".join(words)
        self.calls.append(said)
        self.on_call(said)
        match words:
            case ["systemctl", "start", one, another] if not one.startswith("-"):
                return max(self._start(one), self._start(another), key=lambda one: one.code)
            case ["systemctl", "start", unit]:
                return self._start(unit)
            case ["systemctl", "start", "--no-block", unit]:
                self._start(unit)
                return _Answer()
            case ["systemctl", "stop", unit]:
                if not self._known(unit):
                    return _Answer(5, said=f"Failed to stop {unit}: Unit {unit} not loaded.\n")
                self._stop(unit)
                return _Answer()
            case ["systemctl", "reset-failed", unit]:
                if unit not in self.units:
                    why = f"Failed to reset failed state of unit {unit}: Unit {unit} not loaded.\n"
                    return _Answer(1, said=why)
                if self.units[unit].state == "failed":
                    self.units[unit].state = "inactive"
                return _Answer()
            case ["systemctl", "daemon-reload"]:
                self.read = {unit: self._written(unit) for unit in self.read}
                return _Answer()
            case ["systemctl", "show", "--property=LoadState,NeedDaemonReload", *units]:
                return _Answer(said="\n".join(map(self._load, self._matching(units))))
            case ["systemctl", "show", "-P", "SystemState"]:
                return _Answer(said=self.system_state + "\n")
            case ["systemctl", "show", "-P", "ActiveState", unit]:
                return _Answer(said=self.units.get(unit, _Unit()).state + "\n")
            case ["systemctl", "show", "-p", "ActiveState", "-p", "SubState", "-p", _, unit]:
                found = self.units.get(unit, _Unit())
                sub = "running" if found.state == "active" else "dead"
                start = f"{found.starts:032x}" if found.starts else ""
                told = {"ActiveState": found.state, "SubState": sub, "InvocationID": start}
                return _Answer(said="".join(f"{key}={value}\n" for key, value in told.items()))
            case ["systemctl", "show", "-P", "ActiveEnterTimestamp", unit]:
                known = unit in self.units
                return _Answer(said="Mon 2026-01-05 10:00:00 UTC\n" if known else "\n")
            case ["systemctl", "list-units", "--plain", "--no-legend", *patterns]:
                names = [
                    name
                    for name in sorted(self.units)
                    if any(fnmatch.fnmatch(name, pattern) for pattern in patterns)
                ]
                rows = [f"{name} loaded {self.units[name].state} running x\n" for name in names]
                return _Answer(said="".join(rows))
            case ["systemd-run", *_] if self.refuses_jobs:
                return _Answer(1, said=self.refuses_jobs + "\n")
            case ["systemd-run", *options]:
                return self._run(options)
            case ["journalctl", "--sync"]:
                return _Answer()
            case ["journalctl", "-q", "-b", "-u", unit, *options]:
                return self._journal(unit, options)
            case ["journalctl", "-q", "-b", "-k", *options]:
                return self._journal("kernel", options)
            case _:
                self.unknown.append(said)
                return _Answer(1, said=f"unknown command: {said}\n")

    def _known(self, unit: str) -> bool:
        return unit in self.units or self._written(unit) is not None

    def _written(self, unit: str) -> int | None:
        """Return when a unit's file was written; ``None`` without one."""
        name, at, _ = unit.partition("@")
        file = self.unit_files / (f"{name}@.service" if at else unit)
        return file.stat().st_mtime_ns if file.is_file() else None

    def _matching(self, words: list[str]) -> list[str]:
        """Return units as they are named; of a pattern those that were read."""
        patterns = [fnmatch.filter(self.read, word) if "*" in word else [word] for word in words]
        return [unit for units in patterns for unit in units]

    def _load(self, unit: str) -> str:
        """Read a unit's file unless it was read before; say what is known of it."""
        written = self._written(unit)
        known = self.read.setdefault(unit, written)
        state = "not-found" if known is None else "loaded"
        return f"LoadState={state}\nNeedDaemonReload={'no' if known == written else 'yes'}\n"

    def _start(self, name: str) -> _Answer:
        if not self._known(name):
            return _Answer(5, said=f"Failed to start {name}: Unit {name} not found.\n")
        self._load(name)
        unit = self.units.setdefault(name, _Unit())
        if "@" not in name:
            unit.state = "active"
        if unit.state == "active":
            return _Answer()
        instance = self.root / "instances" / name.split("@")[1].removesuffix(".service")
        release = instance / "current"
        if not (release / "start").exists():
            return _Answer()  # a condition that does not hold is no failure
        about = json.loads((release / "release.json").read_text())
        manner = self.manners.setdefault(release.resolve().name, Manner())
        unit.state = "activating"
        unit.starts += 1
        started = unit.starts
        for line in manner.fails_to_start:
            self.log(name, line)
        time.sleep(manner.starts_in_s)
        if unit.state != "activating" or unit.starts != started:
            return _Answer(1, said=f"Job for {name} canceled.\n")
        try:
            if manner.fails_to_start:
                raise OSError("died")
            manner.key = (instance / "secrets" / "api-key").read_text()
            unit.server = Answering(manner, about["port"])
        except OSError as error:
            if not manner.fails_to_start:
                self.log(name, f"{type(error).__name__}: {error}")
            unit.state = "failed"
            return _Answer(1, said=f"Job for {name} failed because the control process exited\n")
        unit.state = "active"
        self.log(name, "Application startup complete.")
        return _Answer()

    def _stop(self, name: str) -> None:
        unit = self.units.setdefault(name, _Unit())
        if unit.process and unit.process.poll() is None:
            unit.process.terminate()
        if unit.server:
            unit.server.close()
            self.log(name, "Stopped.")
        unit.server, unit.state = None, "inactive"

    def _run(self, options: list[str]) -> _Answer:
        name, after, words = "", "", list(options)
        while words and words[0].startswith("--"):
            word = words.pop(0)
            if word == "--unit":
                name = words.pop(0)
            elif word == "--property":
                key, _, value = words.pop(0).partition("=")
                if key == "ExecStopPost":
                    after = value
                elif key not in ("TimeoutStopSec", "WorkingDirectory"):
                    return _Answer(1, said=f"Unknown assignment: {key}={value}\n")
            elif word not in ("--quiet", "--collect"):
                return _Answer(1, said=f"systemd-run: unrecognized option '{word}'\n")
        if self.units.get(name, _Unit()).state in ("active", "activating", "deactivating"):
            why = f"Unit {name} was already loaded or has a fragment file."
            return _Answer(1, said=f"Failed to start transient service unit: {why}\n")
        process = self._process(words)
        self.units[name] = _Unit(state="active", process=process)
        job = threading.Thread(target=self._follow, args=(name, process, after.split()))
        self._jobs.append(job)
        job.start()
        return _Answer()

    def _process(self, words: list[str]) -> subprocess.Popen[str]:
        return subprocess.Popen(
            words,
            env=self.environment,
            cwd="/",
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def _follow(self, name: str, process: subprocess.Popen[str], after: list[str]) -> None:
        for line in process.communicate()[0].splitlines():
            self.log(name, line)
        if after:
            self.units[name].state = "deactivating"
            for line in self._process(after).communicate()[0].splitlines():
                self.log(name, line)
        self.units.pop(name, None)  # --collect: also when it failed

    def _journal(self, unit: str, options: list[str]) -> _Answer:
        words, shown, last = list(options), _cat, 10_000
        while words:
            word = words.pop(0)
            if word == "-n":
                last = int(words.pop(0))
            elif word == "-o" and words[0] in ("cat", "json"):
                shown = _cat if words.pop(0) == "cat" else _json
            elif word == "--output-fields" and words[0] == "MESSAGE":
                words.pop(0)
            elif word not in ("--no-pager", "--all"):
                self.unknown.append(f"journalctl {word}")
                return _Answer(1, said=f"journalctl: unrecognized option '{word}'\n")
        found = [shown(at, line) for at, of, line in self.journal if of == unit]
        return _Answer(said="".join(line + "\n" for line in found[-last:]))


def _cat(at: float, line: str) -> str:
    return line


def _json(at: float, line: str) -> str:
    return json.dumps({"__MONOTONIC_TIMESTAMP": str(int(at * 1e6)), "MESSAGE": line})


class _Desk(socketserver.ThreadingTCPServer):
    daemon_threads = True
    systemd: Systemd


class _Clerk(socketserver.StreamRequestHandler):
    server: _Desk

    def handle(self) -> None:
        """Take one command, a word a line, and answer it."""
        words = [line.decode().rstrip("\n") for line in iter(self.rfile.readline, b"\n")]
        answer = self.server.systemd.obey(words)
        self.wfile.write(f"{answer.code}\n{answer.said}".encode())
