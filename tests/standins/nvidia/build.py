"""Builds the stand-in of NVIDIA's management library, once for each state of its source."""

import hashlib
import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

FILES = Path(__file__).parent / "files"
FOLDER = "/usr/lib/x86_64-linux-gnu"
SONAME = "libnvidia-ml.so.1"


@cache
def library() -> bytes:
    """Return ``libnvidia-ml.so``; the version that it goes with is in the name it is given."""
    sources = sorted((FILES / "library").glob("*.[ch]"))
    digest = hashlib.sha256(b"".join(source.read_bytes() for source in sources)).hexdigest()
    # Others may have a folder of this name in /tmp.
    kept = Path(tempfile.gettempdir()) / f"metalserve-standins-{os.getuid()}"
    kept.mkdir(mode=0o700, exist_ok=True)
    if kept.stat().st_uid != os.getuid():
        raise PermissionError(f"{kept}: belongs to another, its owner should be you")
    made = kept / f"nvml-{digest[:16]}.so"
    if not made.exists():
        new = made.with_suffix(f".{os.getpid()}")
        subprocess.run(
            [
                "gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror",
                "-fvisibility=hidden", f"-Wl,-soname,{SONAME}", "-o", new,
                *[source for source in sources if source.suffix == ".c"],
            ],
            check=True,
        )  # fmt: skip
        new.rename(made)
    return made.read_bytes()
