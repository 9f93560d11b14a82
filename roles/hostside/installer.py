"""One command of a step: its vendor's file verified, what it says kept and read, its end judged."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import signal
import subprocess
import time
from typing import Any, Dict, Iterator, List

import durable
import hashed
import jobs
import places
import progress

_LOOK_EVERY_S = 0.2
_KILLED_AFTER_S = 10.0
_SHOWN_LINES = 12
_BLOCK = 1024 * 1024
# What makeself writes into the head of an archive, and Ascend's installers into their log.
_UNPACKED = re.compile(rb"Uncompressed size: (\d+) ([KMG])B")
_PERCENT = re.compile(r"upgradePercentage: ?(\d+)%")
_UNITS = {b"K": 1 << 10, b"M": 1 << 20, b"G": 1 << 30}


class StepError(jobs.JobError):
    """A step did not succeed; the message says what it was and what its command said."""


def look(wanted: Any, say: progress.Progress) -> None:
    """Refuse a file that is not the pinned one, or for which there is no room."""
    path, file = wanted["path"], wanted["file"]
    _verify(path, wanted["sha256"], lambda done, total: say.say("verifying " + file, done, total))
    with open(path, "rb") as head:
        said = _UNPACKED.search(head.read(_BLOCK))
    # Unpacked, a file is no smaller than it is.
    needed = int(said.group(1)) * _UNITS[said.group(2)] if said else os.path.getsize(path)
    free = shutil.disk_usage(places.ROOT).free
    if free < needed:
        raise StepError(
            "{} takes {} to unpack, the disk of {} has {} free; free some".format(
                file, progress.size(needed), places.ROOT, progress.size(free)
            )
        )


def _verify(path: str, wanted: str, tell: Any) -> None:
    done = 0

    def count(read: int) -> None:
        nonlocal done
        done += read
        tell(done, total)

    try:
        total = os.path.getsize(path)
        found = hashed.sha256(path, count)
    except OSError as error:
        raise StepError(
            "{} cannot be read ({}); it should be the file whose sha256 is {}".format(
                path, error.strerror, wanted
            )
        ) from error
    if found == wanted:
        return
    if os.path.dirname(path) == places.installers():
        # A file of this name and size would not be sent again.
        os.unlink(path)
    raise StepError(
        "{} is another file than the pinned one and was not run: its sha256 is {}, wanted {}; "
        "bring the right file, or pin this one if it is right".format(path, found, wanted)
    )


def run(step: Any, say: progress.Progress) -> str:
    """Do what a step says and return what its command said."""
    words, environment = list(step["words"]), dict(os.environ, LC_ALL="C", HOME="/root")
    environment.update(step["environment"])
    for path, text in step["writes"]:
        durable.write(path, text)
    if not step["installer"]:
        return _judged(step, words, environment, say)
    look(step["installer"], say)
    with _unpacking() as folder:
        environment["TMPDIR"] = folder
        words = [word.replace("{file}", step["installer"]["path"]) for word in words]
        return _judged(step, words, environment, say)


def says(patterns: List[str], said: str) -> bool:
    """Say whether a command's output has one of these patterns."""
    return any(re.search(pattern, said) for pattern in patterns)


def _judged(step: Any, words: List[str], environment: Dict[str, str], say: Any) -> str:
    log = places.step_log(step["name"])
    os.makedirs(os.path.dirname(log), exist_ok=True)
    with open(log, "ab") as file:
        file.write("== {} {}\n".format(durable.now(), " ".join(words)).encode())
        file.flush()
        heard = _Heard(step["name"], log, file.tell(), say)
        try:
            code = _ended(words, step, environment, file, heard)
        except OSError as error:
            raise StepError(
                "{}: {} cannot be run ({})".format(step["name"], words[0], error.strerror)
            ) from error
    said = heard.all()
    if says(step["already"], said):
        return said
    wrong = ""
    if code is None:
        wrong = "did not end within {} and was killed".format(progress.duration(step["timeout_s"]))
    elif code not in step["codes"]:
        wrong = "ended with code {}".format(code)
    elif step["success"] and not says(step["success"], said):
        wrong = "ended with code {}, but did not say that it succeeded".format(code)
    if wrong:
        last = [line for line in _lines(said) if line.strip()][-_SHOWN_LINES:]
        shown = "".join("\n  " + line for line in last) or " none"
        raise StepError(
            "{} {}; all that it said is in {}, its last lines:{}".format(
                step["name"], wrong, log, shown
            )
        )
    return said


def _ended(
    words: List[str], step: Any, environment: Dict[str, str], log: Any, heard: _Heard
) -> int | None:
    """Run a command to its end and return its exit code, ``None`` when it took too long."""
    # What it says goes to a file and not through us, so that it does not die of our death.
    with subprocess.Popen(
        words,
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=subprocess.STDOUT,
        cwd=step["cwd"],
        env=environment,
        start_new_session=True,
    ) as command:
        deadline = time.monotonic() + step["timeout_s"]
        while command.poll() is None:
            heard.listen()
            if time.monotonic() > deadline:
                _kill(command)
                return None
            time.sleep(_LOOK_EVERY_S)
        return command.returncode


def _kill(command: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(command.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            command.wait(_KILLED_AFTER_S)
            return


class _Heard:
    """What a command has said to its log, told to whoever watches."""

    def __init__(self, name: str, log: str, since: int, say: Any) -> None:
        self.name, self.log, self.since, self.say = name, log, since, say
        self.told = since

    def listen(self) -> None:
        """Tell what is newest: a percentage, or the last line."""
        size = os.path.getsize(self.log)
        if size == self.told:
            return
        self.told = size
        said = self.all()
        percents = _PERCENT.findall(said)
        lines = [line.strip() for line in _lines(said) if line.strip()]
        newest = percents[-1] + " %" if percents else "".join(lines[-1:])[:100]
        self.say.say("{}: {}".format(self.name, newest))

    def all(self) -> str:
        """Return everything that this command said."""
        with open(self.log, "rb") as file:
            file.seek(self.since)
            return file.read().decode("utf-8", "replace")


def _lines(said: str) -> List[str]:
    return re.split(r"[\r\n]+", said)


@contextlib.contextmanager
def _unpacking() -> Iterator[str]:
    """Make an empty folder where programs may run, which /tmp may forbid, for root alone."""
    folder = places.unpacking()
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder, mode=0o700)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
