"""
Capture what vendors' scripts set, as a file that systemd reads.

``environment.py TARGET SCRIPT...`` sources the scripts, one after the other, in a shell with
nothing of ours in it, and writes what they set to TARGET. They may do harm on the way: MindIE's
empties /dev/shm, where other servers have their memory. So they run where /dev/shm is an empty one
of their own, and not at all when that cannot be had.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Dict, List

import durable

_CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
# The marker is a file in the host's own /dev/shm, which has to be out of sight.
_ALONE = """\
mount -t tmpfs -o mode=1777 tmpfs /dev/shm || exit 97
[ -z "$(ls -A /dev/shm)" ] || exit 97
exec bash -c "$0" "$@"
"""
# A script sees the words of whoever sources it, and prints its usage when it does not know them.
_SOURCE = """\
scripts=("$0" "$@")
set --
for script in "${scripts[@]}"; do
    source "$script" >&2 || exit 98
done
env -0
"""
_OF_THE_SHELL = ("PWD", "OLDPWD", "SHLVL", "_", "HOME")
_WITHIN_S = 300


class CaptureError(SystemExit):
    """The variables could not be captured; the message says why, and nothing was written."""


def capture(scripts: List[str]) -> Dict[str, str]:
    """Return what the scripts set, beside what a clean shell has."""
    missing = [script for script in scripts if not os.path.isfile(script)]
    if missing:
        raise CaptureError("{} is not there; install the package that brings it".format(missing[0]))
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", _ALONE, _SOURCE]
    try:
        ended = subprocess.run(
            [*words, *scripts],
            env=_CLEAN,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_WITHIN_S,
        )
    except FileNotFoundError as error:
        raise CaptureError("unshare is not there; it is part of util-linux") from error
    except subprocess.TimeoutExpired as error:
        raise CaptureError(
            "{} did not end within {} s".format(", ".join(scripts), _WITHIN_S)
        ) from error
    said = ended.stderr.decode("utf-8", "replace").strip()
    if ended.returncode == 98:
        raise CaptureError("a script ended with an error:\n{}".format(said))
    if ended.returncode != 0:
        raise CaptureError(
            "the scripts were not run: they would see the host's own /dev/shm, which one of them "
            "empties; root may have a mount namespace of its own, here it was refused:\n"
            "{}".format(said)
        )
    rows = (row.partition("=") for row in ended.stdout.decode("utf-8", "replace").split("\0"))
    found = {name: value for name, _, value in rows if name}
    return {name: _pinned(value) for name, value in sorted(found.items()) if _theirs(name, value)}


def text(variables: Dict[str, str]) -> str:
    """Return variables as a file of systemd's ``EnvironmentFile=``."""
    lines = ["# Captured from the vendors' scripts; written anew, never edited."]
    for name, value in sorted(variables.items()):
        quoted = value.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
        lines.append('{}="{}"'.format(name, quoted.replace("`", "\\`")))
    return "\n".join(lines) + "\n"


def _theirs(name: str, value: str) -> bool:
    return name not in _OF_THE_SHELL and _CLEAN.get(name) != value and "\n" not in value


def _pinned(value: str) -> str:
    """
    Name the versions that links lead to, for each path of a list: what is installed later moves
    the links, and a stack goes on with what it was made with.
    """
    return ":".join(_resolved(path) for path in value.split(":"))


def _resolved(path: str) -> str:
    if not path.startswith("/"):
        return path
    parts = path.split("/")
    for end in range(len(parts), 1, -1):
        there = "/".join(parts[:end])
        if os.path.exists(there):
            return "/".join([os.path.realpath(there), *parts[end:]])
    return path


def main() -> None:
    """See the top of the file."""
    if len(sys.argv) < 3:
        raise SystemExit("usage: environment.py TARGET SCRIPT...")
    target, scripts = sys.argv[1], sys.argv[2:]
    variables = capture(scripts)
    os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
    durable.write(target, text(variables))
    print("{}: {} variables of {}".format(target, len(variables), ", ".join(scripts)))


if __name__ == "__main__":
    main()
