"""A stack's lock as the index has it today, asked of the pinned uv."""

import subprocess
import sys
import tempfile
from pathlib import Path

from roles.locking.asked import LockingError, lock_of
from roles.spec import Stack

_UV = Path(sys.executable).with_name("uv")
_WITHIN_S = 600


def resolved(stack: Stack, *, index: str | None) -> str:
    """
    Return the text of the lock, made from its source alone: an older lock is not looked at.

    :raises LockingError: there is none; in uv's own words
    """
    if not _UV.is_file():
        raise LockingError(f"{_UV} is not there, run bin/setup")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "lock.txt"
        try:
            ended = subprocess.run(  # noqa: S603  # our own uv, without a shell
                [*_words(stack, index), "--output-file", str(made)],
                cwd=lock_of(stack).file.parent,
                capture_output=True,
                text=True,
                timeout=_WITHIN_S,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise LockingError(f"uv did not resolve within {_WITHIN_S} s") from None
        if ended.returncode != 0:
            raise LockingError(f"uv resolves nothing:\n{ended.stderr.strip()[-3000:]}")
        return made.read_text()


def _words(stack: Stack, index: str | None) -> list[str]:
    lock = lock_of(stack)
    words = [
        str(_UV), "pip", "compile", lock.source.name,
        "--quiet", "--no-config", "--python", sys.executable,
        "--python-version", stack.python,
        "--python-platform", f"x86_64-manylinux_{str(lock.glibc).replace('.', '_')}",
        "--only-binary", ":all:",
        "--generate-hashes", "--no-emit-index-url", "--no-header", "--no-annotate",
    ]  # fmt: skip
    if lock.as_of:
        words += ["--exclude-newer", f"{lock.as_of}T23:59:59Z"]
    if lock.overrides.is_file():
        words += ["--override", lock.overrides.name]
    return [*words, "--default-index", index] if index else words
