"""A command that tells nothing of how far it is: by what the disk holds more."""

from __future__ import annotations

import os
import subprocess
import time
from typing import Any, Dict, List, Tuple

import progress

_EVERY_S = 0.2


def run(
    words: List[str],
    *,
    log: str,
    disk: str,
    total: int,
    stage: str,
    say: progress.Progress,
    variables: Dict[str, str] | None = None,
) -> Tuple[int, str]:
    """
    Return a command's exit code and what it said.

    :param log: file that keeps what it said
    :param disk: a path on the disk that it fills
    :param total: bytes that are expected there
    :param variables: of its process, ours unless given
    """
    with open(log, "w+") as kept:
        with subprocess.Popen(
            words, stdout=kept, stderr=subprocess.STDOUT, env=variables
        ) as running:
            _follow(running, disk, total, stage, say)
        kept.seek(0)
        return running.returncode, kept.read().strip()


def _follow(running: Any, disk: str, total: int, stage: str, say: progress.Progress) -> None:
    before = _used(disk)
    while running.poll() is None:
        say.say(stage, min(total, max(0, _used(disk) - before)), total)
        time.sleep(_EVERY_S)


def _used(path: str) -> int:
    found = os.statvfs(path)
    return (found.f_blocks - found.f_bfree) * found.f_frsize
