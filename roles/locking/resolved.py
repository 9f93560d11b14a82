"""A stack's lock as the index has it today, asked of the pinned uv."""

import subprocess
import sys
import tempfile
from pathlib import Path

from roles import uv
from roles.locking.asked import LockingError, lock_of
from roles.spec import Stack


def resolved(stack: Stack, *, index: str | None) -> str:
    """
    Return the text of the lock, made from its source alone: an older lock is not looked at.

    :raises LockingError: there is none; in uv's own words
    :raises OSError: uv is not there
    """
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "lock.txt"
        try:
            ended = uv.compiled(
                [*_words(stack), "--output-file", str(made)],
                folder=lock_of(stack).file.parent,
                index=index,
            )
        except subprocess.TimeoutExpired:
            raise LockingError(f"uv did not resolve within {uv.WITHIN_S} s") from None
        if ended.returncode != 0:
            raise LockingError(f"uv resolves nothing:\n{ended.stderr.strip()[-3000:]}")
        return made.read_text()


def _words(stack: Stack) -> list[str]:
    lock = lock_of(stack)
    glibc = str(lock.glibc).replace(".", "_")
    words = [
        lock.source.name, "--no-config", "--python", sys.executable,
        "--python-version", stack.python,
        "--python-platform", f"{lock.arch}-manylinux_{glibc}",
        "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate",
    ]  # fmt: skip
    if lock.as_of:
        words += ["--exclude-newer", f"{lock.as_of}T23:59:59Z"]
    if lock.overrides.is_file():
        words += ["--override", lock.overrides.name]
    return words
