"""
What the vendors' scripts set for a stack, as a file that systemd reads.

``environment.py write TARGET PLAN`` leaves that file; ``environment.py run PLAN WORDS...`` runs a
command with the same variables, as an installer wants them that is stacked on another. The plan:

``{"scripts": [{"files": [of which the first that is there is sourced], "words": [given to it]}],
"links": {link: what it leads to for this stack}, "folders": [each has to be among what is set]}``

The scripts may do harm: MindIE's empties /dev/shm, where other servers have their memory, and
changes modes. And they follow links that whoever installed last has moved. So they run in a
namespace of their own (``view.py``) with another /dev/shm, read-only files and the links of this
stack; where that cannot be had, nothing is run. What they set names versions, and no such links.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import subprocess
import sys
from typing import Any, Dict, List

import durable
import view

_CLEAN = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"}
_OF_THE_SHELL = ("_", "HOME", "OLDPWD", "PWD", "SHLVL")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_WITHIN_S = 300
# What comes after it on the output are variables, whatever the scripts have said before.
_MARK = b"\0metalserve-variables\0"


class CaptureError(SystemExit):
    """The variables could not be had; the message says why. Nothing was written or run."""


def capture(plan: Any) -> Dict[str, str]:
    """
    Return what the scripts set, beside what a clean shell has.

    :raises CaptureError: there is no namespace for them, or they did not set what they should
    """
    sourced = [_script(script) for script in plan["scripts"]]
    said = _said(sourced, plan["links"])
    _, mark, variables = said.stdout.rpartition(_MARK)
    words = said.stderr.decode("utf-8", "replace").strip()
    if not said.stdout.startswith(view.MADE.encode()):
        raise CaptureError(
            "{}\nthe scripts were not run: beside the host's own /dev/shm, which one of them "
            "empties, that is never done".format(words)
        )
    if said.returncode != 0 or not mark:
        raise CaptureError(
            "a script ended the shell that sourced it (code {}):\n{}".format(said.returncode, words)
        )
    rows = (row.partition("=") for row in os.fsdecode(variables).split("\0"))
    found = {
        name: _pinned(name, value, plan["links"])
        for name, _, value in rows
        if _NAME.fullmatch(name) and name not in _OF_THE_SHELL and _CLEAN.get(name) != value
    }
    _refuse_incomplete(found, plan["folders"], words)
    return found


def text(variables: Dict[str, str]) -> str:
    """Return variables as systemd reads them from a file; a shell reads the same."""
    lines = ["# Captured from the vendors' scripts by metalserve; written anew, never edited."]
    for name, value in sorted(variables.items()):
        lines.append('{}="{}"'.format(name, re.sub(r'(["\\$`])', r"\\\1", value)))
    return "\n".join(lines) + "\n"


def read(path: str) -> Dict[str, str]:
    """
    Return what a clean shell has, and the variables of a file that ``text`` made.

    :raises OSError: it cannot be read
    """
    found = dict(_CLEAN)
    with open(path, encoding="utf-8") as file:
        for line in file:
            name, mark, value = line.rstrip("\n").partition("=")
            if mark:
                found[name] = re.sub(r"\\(.)", r"\1", value[1:-1])
    return found


def _script(script: Any) -> str:
    """Return the line that sources a script."""
    there = [file for file in script["files"] if os.path.isfile(file)]
    if not there:
        raise CaptureError(
            "{} is not there; install what brings it".format(" or ".join(script["files"]))
        )
    # It sees the words of whoever sources it, unless it is given its own.
    return "set --; source {} >&2".format(" ".join(map(shlex.quote, [there[0], *script["words"]])))


def _said(sourced: List[str], links: Dict[str, str]) -> subprocess.CompletedProcess[bytes]:
    lines = [*sourced, "printf '\\0metalserve-variables\\0'", "env -0"]
    unshare = ["unshare", "--mount", "--propagation", "private", sys.executable, view.__file__]
    clean = ["{}={}".format(name, value) for name, value in _CLEAN.items()]
    try:
        return subprocess.run(
            [
                *(*unshare, view.namespace(), json.dumps(links)),
                *("env", "-i", *clean, "bash", "-c", "\n".join(lines)),
            ],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd="/",
            timeout=_WITHIN_S,
        )
    except FileNotFoundError as error:
        raise CaptureError("unshare is not there, it is part of util-linux") from error
    except subprocess.TimeoutExpired as error:
        raise CaptureError("the scripts did not end within {} s".format(_WITHIN_S)) from error


def _pinned(name: str, value: str, links: Dict[str, str]) -> str:
    """Return a value that names what the links of this stack lead to."""
    parts = [_resolved(part, links) for part in value.split(":")]
    if name.endswith("PATH") and len(parts) > 1:
        # One that is empty means the folder that a server runs in, which it may write to.
        parts = [part for part in parts if part]
    return ":".join(parts)


def _resolved(path: str, links: Dict[str, str]) -> str:
    for link, leads_to in links.items():
        if path == link or path.startswith(link + "/"):
            return leads_to + path[len(link) :]
    return path


def _refuse_incomplete(found: Dict[str, str], folders: List[str], words: str) -> None:
    for name, value in found.items():
        if not value.isprintable():
            raise CaptureError("{} has characters that no file can hold".format(name))
    parts = [part for value in found.values() for part in value.split(":")]
    for folder in folders:
        if not any(part == folder or part.startswith(folder + "/") for part in parts):
            raise CaptureError(
                "nothing that the scripts set lies in {}; what they said:\n{}".format(
                    folder, words or "nothing"
                )
            )


def main() -> None:
    """See the top of the file."""
    how, *words = sys.argv[1:] or [""]
    if how == "write" and len(words) == 2:
        target, plan = words[0], json.loads(words[1])
        variables = capture(plan)
        durable.write(target, text(variables))
        print("{} holds {} variables".format(target, len(variables)))
    elif how == "run" and len(words) > 1:
        variables = capture(json.loads(words[0]))
        os.execvpe(words[1], words[1:], {**os.environ, **variables})  # noqa: S606
    else:
        raise SystemExit("usage: environment.py write TARGET PLAN | run PLAN WORDS...")


if __name__ == "__main__":
    main()
