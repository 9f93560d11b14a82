"""Run a program of this machine, with a bound on its time and an error that says what it said."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from pyinfra.api.exceptions import PyinfraError

Word = str | Path


class LabError(PyinfraError, RuntimeError):
    """The lab cannot be what it was asked to be; the message says why and where to look."""


def attempt(
    *words: Word, timeout_s: float = 60, log: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Run a program and return whatever came of it; its output goes to ``log`` if one is given."""
    argv = [str(word) for word in words]
    try:
        if log is None:
            return _execute(argv, timeout_s, subprocess.PIPE)
        with log.open("a") as stream:
            return _execute(argv, timeout_s, stream)
    except subprocess.TimeoutExpired as error:
        raise LabError(f"{argv[0]}: no end after {timeout_s:g} s: {' '.join(argv)}") from error
    except FileNotFoundError as error:
        raise LabError(f"{argv[0]}: not installed on this machine") from error


def run(*words: Word, timeout_s: float = 60, log: Path | None = None) -> str:
    """Run a program that has to succeed and return what it printed."""
    result = attempt(*words, timeout_s=timeout_s, log=log)
    if result.returncode:
        said = f"see {log}" if log else (result.stderr or result.stdout).strip()
        command = " ".join(str(word) for word in words)
        raise LabError(f"{command}: exit code {result.returncode}, {said}")
    return result.stdout or ""


def wait(question: Callable[[], bool], *, within_s: float, every_s: float = 0.05) -> bool:
    """Ask until the answer is yes; False if it never was."""
    end = time.monotonic() + within_s
    while not question():
        if time.monotonic() > end:
            return False
        time.sleep(every_s)
    return True


def _execute(
    argv: list[str], timeout_s: float, output: int | IO[str]
) -> subprocess.CompletedProcess[str]:
    # The one place of the lab that starts programs: a list of words, never a shell line.
    return subprocess.run(  # noqa: S603
        argv,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.PIPE if output is subprocess.PIPE else subprocess.STDOUT,
        text=True,
        timeout=timeout_s,
        check=False,
    )
