"""Files that an operator asks for with ``--data``, for programs and browsers."""

import sys
from pathlib import Path

from pyinfra.api import DeployError

from roles.hostside import durable


def write(file: str, text: str, *, what: str) -> None:
    """
    Write a file whole, or none; to the standard output for ``-``.

    :param what: is written, for the message
    :raises DeployError: it cannot be written
    """
    if file == "-":
        sys.stdout.write(text)
        return
    target = Path(file).resolve()
    try:
        if target.exists() and not target.is_file():
            # A terminal or a pipe is written to, not replaced.
            target.write_text(text)
        else:
            # A folder that is not there is somebody's slip, and is not made.
            target.parent.stat()
            durable.write(str(target), text)
    except OSError as error:
        raise DeployError(f"{what} cannot be written: {error}") from error
