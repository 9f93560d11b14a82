"""How far all hosts of one step are together, from the lines that each job prints of itself."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pyinfra.api import Host, output

from roles.hostside import words

_SAY_EVERY_S = 5.0
_UNITS = {"B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_SIZE = rf"(\d+(?:\.\d+)?) ({'|'.join(_UNITS)})"
_LINE = re.compile(rf".*: {_SIZE} of {_SIZE}(?:, {_SIZE}/s, .+ left)?")


@dataclass(frozen=True)
class Far:
    """How far one host is, in bytes and bytes a second."""

    done: float = 0.0
    total: float = 0.0
    rate: float = 0.0


class Step:
    """The hosts that were at work on one step."""

    def __init__(self) -> None:
        self.at_work: dict[str, Far] = {}
        self.complete: dict[str, Far] = {}
        self.failed: set[str] = set()
        self.spoke: set[str] = set()

    def begin(self, host: str) -> None:
        """A host is at work, again perhaps."""
        self.at_work[host] = Far()
        self.complete.pop(host, None)
        self.failed.discard(host)
        self.spoke.discard(host)

    def hear(self, host: str, line: str) -> None:
        """A host has said something, of how far it is perhaps."""
        if host in self.at_work:
            self.spoke.add(host)
            self.at_work[host] = read(line) or self.at_work[host]

    def end(self, host: str, *, well: bool) -> None:
        """A host is done."""
        far = self.at_work.pop(host)
        if well:
            self.complete[host] = far
        else:
            self.failed.add(host)

    @property
    def line(self) -> str:
        """One line for all; empty while only one is at work, or nobody says how much there is."""
        left = list(self.at_work.values())
        # Who has said nothing yet has as much to do as the others.
        most = max((far.total for far in [*left, *self.complete.values()]), default=0.0)
        if len(left) < 2 or not most:
            return ""
        ended = sum(far.total or most for far in self.complete.values())
        total = ended + sum(far.total or most for far in left)
        done = ended + sum(far.done for far in left)
        hosts = len(left) + len(self.complete) + len(self.failed)
        said = f"all: {len(self.complete)} of {hosts} hosts complete"
        if self.failed:
            said += f", {len(self.failed)} failed"
        said += f", {_of(words.size(done), words.size(total))}"
        if rate := sum(far.rate for far in left):
            said += f", {words.size(rate)}/s"
        if all(far.rate for far in left):
            # The last one counts.
            slowest = max((far.total - far.done) / far.rate for far in left)
            said += f", {words.duration(slowest)} left"
        return said


def read(line: str) -> Far | None:
    """Return what a job's line of progress says, as ``progress.py`` writes it."""
    found = _LINE.fullmatch(line)
    if not found:
        return None
    numbers = found.groups()
    sizes = zip(numbers[::2], numbers[1::2], strict=True)
    return Far(*(float(count) * _UNITS[unit] for count, unit in sizes if count))


class _Ear:
    """Hears every line that pyinfra shows while somebody is at work, and tells of all."""

    def __init__(self) -> None:
        self.steps: dict[str, Step] = {}
        self.at_work: dict[str, tuple[Step, Host]] = {}
        self.shown: Callable[..., None] = output.echo
        self.said_at = 0.0

    def hear(self, message: Any = None, **how: Any) -> None:
        """Show a line as it would have been, and after it one for all, if that is due."""
        self.shown(message, **how)
        line = str(message)
        found = self.at_work.get(_known_by(line))
        if not found:
            return
        step, host = found
        step.hear(host.name, line[len(host.print_prefix) :])
        if time.monotonic() - self.said_at >= _SAY_EVERY_S and step.line:
            self.said_at = time.monotonic()
            self.shown(step.line, **how)


_ear = _Ear()


def begin(step: str, host: Host) -> None:
    """Count a host as at work on a step."""
    if not _ear.at_work:
        _ear.shown = output._echo
        output.set_echo(_ear.hear)
    shared = _ear.steps.setdefault(step, Step())
    shared.begin(host.name)
    _ear.at_work[_known_by(host.print_prefix)] = shared, host


def spoke(host: Host) -> bool:
    """Say whether a host has told anything of the step that it is at work on."""
    step, _ = _ear.at_work[_known_by(host.print_prefix)]
    return host.name in step.spoke


def end(host: Host, *, well: bool) -> None:
    """Count a host as done with the step that it was at work on."""
    step, _ = _ear.at_work.pop(_known_by(host.print_prefix))
    step.end(host.name, well=well)
    if not _ear.at_work:
        output.set_echo(_ear.shown)


def _known_by(line: str) -> str:
    """Return the part of a line that names its host."""
    return line.partition("]")[0]


def _of(done: str, total: str) -> str:
    count, unit = done.split()
    return f"{count} of {total}" if total.endswith(f" {unit}") else f"{done} of {total}"
