"""
Shared memory: a piece for each tokenizer and a few for the ranks.

The tokenizers' names and sizes are those of ``infer_tokenizer.cpp``, which unlinks them at once
since 3.0; by the documentation they stay behind, and have to be removed before another user's
server is started, so here they stay. Of the ranks' only ``*llm_backend_*`` is known.
"""

from __future__ import annotations

import os
from pathlib import Path

from tests.standins.openai.server.errors import StartError

from . import journal

_FOLDER = Path(os.environ.get("STANDIN_SHM", "/dev/shm"))
_TOKENIZER_MIB = 40


def create(tokenizers: int) -> None:
    """Create all pieces; one that is there already, whoever left it, is in the way."""
    space = os.statvfs(_FOLDER)
    free_mib = space.f_bavail * space.f_bsize // 2**20
    if free_mib < _TOKENIZER_MIB * tokenizers:
        _refuse("Shared memory available is not enough on the filesystem.")
    pid = os.getpid()
    names = [f"llm_tokenizer_shared_memory_{pid}_{number}" for number in range(tokenizers)]
    for number, name in enumerate([*names, f"llm_backend_pid_{pid}"]):
        try:
            os.close(os.open(_FOLDER / name, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        except OSError as error:
            journal.log(f"Failed to open shared memory {error.errno}")
            _refuse(
                "Failed to create tokenizer share memory, token index is "
                f"{number}, status value is -1"
            )


def _refuse(told: str) -> None:
    journal.log(told)
    journal.log("Init process tokenizer pool failed.")
    raise StartError(told)
