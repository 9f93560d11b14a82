"""Torch on NPUs: CANN's, ATB's and the driver's libraries are found, or it is not imported."""

import os
from pathlib import Path

_PARTS = [Path(part) for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if part]
_HOME = os.environ.get("ASCEND_HOME_PATH")


def _found(library: str) -> bool:
    if library == "libascendcl.so":
        # The stand-in of CANN has no lib64, which leads to the real one's libraries.
        return bool(_HOME) and Path(str(_HOME), "lib64") in _PARTS
    return any((part / library).is_file() for part in _PARTS)


for _library in ("libascendcl.so", "libatb.so", "libc_sec.so"):
    if not _found(_library):
        raise ImportError(f"{_library}: cannot open shared object file: No such file or directory")
