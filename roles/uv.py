"""The uv of this project, which tells on the control machine what a package index has."""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

PROGRAM = Path(sys.executable).with_name("uv")
WITHIN_S = 600


def compiled(
    words: Sequence[str], *, folder: Path, index: str | None
) -> subprocess.CompletedProcess[str]:
    """
    Return how ``uv pip compile`` ended, with what it said on ``stderr``.

    :param folder: that it runs in
    :param index: URL of the package index; what uv is set to unless given
    :raises FileNotFoundError: it is not there
    :raises TimeoutExpired: it did not end within ``WITHIN_S`` seconds
    """
    if not PROGRAM.is_file():
        raise FileNotFoundError(f"{PROGRAM} is not there, run bin/setup")
    asked = ["--default-index", index] if index else []
    return subprocess.run(  # noqa: S603  # our own uv, without a shell
        [str(PROGRAM), "pip", "compile", "--quiet", "--only-binary", ":all:", *words, *asked],
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        timeout=WITHIN_S,
        check=False,
    )
