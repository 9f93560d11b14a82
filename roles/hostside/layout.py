"""
Lay out what a prepared host has of ours: accounts, folders, scripts, files, units, and the receipt.

``layout.py`` reads a line of JSON from its input, of which nothing has to be there:
``{"lock": what ``lock.py`` takes it by, "accounts": {"groups": [name], "users": [name]}, "folders":
{path: mode}, "scripts": {"folder", "link"}, "files": {path: text}, "links": {path: target},
"units": [name], "start": [name], "again": [name], "receipt": {"phase", "digest", "paths"}}``, and a
second line where there are scripts: ``{name: text}``, by ``zlib`` in base 64. What is right is left
alone, everything else is whole at every moment: who is stopped anywhere is put right by the next.
"""

from __future__ import annotations

import base64
import contextlib
import grp
import json
import os
import pwd
import shutil
import subprocess
import sys
import zlib
from typing import Any, Dict, List

import durable
import lock
import ours
import receipts

_USER = ["useradd", "--system", "--home-dir", "/nonexistent", "--no-create-home"]


def lay_out(wanted: Any, packed: str) -> List[str]:
    """Leave everything as it is wanted and return what was changed."""
    done = _accounts(**wanted.get("accounts", {}))
    made = [path for path, mode in wanted.get("folders", {}).items() if _folder(path, int(mode, 8))]
    done += ["folders: {} made or put right".format(len(made))] if made else []
    if "scripts" in wanted:
        texts = json.loads(zlib.decompress(base64.b64decode(packed)))
        brought = _scripts(texts, **wanted["scripts"])
        done += ["scripts: {} brought".format(brought)] if brought else []
    files = [path for path, text in wanted.get("files", {}).items() if _file(path, text)]
    done += ["{} written".format(os.path.basename(path)) for path in files]
    for path, target in wanted.get("links", {}).items():
        durable.link(path, target)
    _units(**{key: wanted.get(key, []) for key in ("units", "start", "again")})
    if "receipt" in wanted:
        receipts.write(**wanted["receipt"])
    return done


def _accounts(groups: Any = (), users: Any = ()) -> List[str]:
    """Have system groups and users; the users have no home and no shell."""
    added = []
    for names, known, command in (
        (groups, grp.getgrnam, ["groupadd", "--system"]),
        (users, pwd.getpwnam, [*_USER, "--shell", "/usr/sbin/nologin"]),
    ):
        for name in names:
            try:
                known(name)
            except KeyError:
                _ran(*command, name)
                added.append("{} added".format(name))
    return added


def _folder(path: str, mode: int) -> bool:
    """Have a folder that is ours and say whether it was not."""
    if not os.path.isdir(path):
        os.makedirs(path, mode)
    elif ours.has(os.stat(path), mode):
        return False
    os.chmod(path, mode)
    os.chown(path, os.geteuid(), os.getegid())
    return True


def _scripts(texts: Dict[str, str], folder: str, link: str) -> int:
    """Have scripts in the folder of their version, and return how many had to be brought."""
    if os.path.isdir(folder):
        # Recovery at boot may run from here: it is put right file by file, each in one step.
        strange = set(os.listdir(folder)) - {*texts, "__pycache__"}
        for name in strange:
            durable.remove_all("{}/{}".format(folder, name))
        brought = [name for name, text in texts.items() if _file(folder + "/" + name, text)]
    else:
        brought = list(texts)
        _whole_folder(folder, texts)
    _folder(folder, 0o755)
    durable.link(link, folder)
    return len(brought)


def _whole_folder(folder: str, texts: Dict[str, str]) -> None:
    beside = folder + ".new"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        os.makedirs(beside)
        with contextlib.ExitStack() as opened:
            files = []
            for name, text in texts.items():
                path = "{}/{}".format(beside, name)
                files.append(opened.enter_context(open(path, "w", encoding="utf-8")))
                files[-1].write(text)
                files[-1].flush()
            # After the first most of them are on the disk.
            for file in files:
                os.fsync(file.fileno())
        durable.sync_folder(beside)
        os.rename(beside, folder)
    except OSError:
        # A full disk is not left fuller.
        shutil.rmtree(beside, ignore_errors=True)
        raise
    durable.sync_folder(os.path.dirname(folder))


def _file(path: str, text: str) -> bool:
    """Have a file that everybody may read and say whether it was another."""
    if ours.holds(path, text.encode(), 0o644):
        return False
    if os.path.isdir(path) and not os.path.islink(path):
        shutil.rmtree(path)
    durable.write(path, text)
    return True


def _units(units: List[str], start: List[str], again: List[str]) -> None:
    """
    Have systemd know units as they are written, and have some of them up.

    :param start: which are started, where they are not up
    :param again: which are stopped before: a socket does not move while its service has it
    """
    if units and _known_otherwise(units):
        _ran("systemctl", "daemon-reload")
    if again:
        _ran("systemctl", "stop", *again)
    if start:
        _ran("systemctl", "start", *start)


def _known_otherwise(units: List[str]) -> bool:
    """Say whether systemd knows a unit otherwise: to read all that there are anew takes a while."""
    # What it has not loaded it reads when it does.
    loaded = [unit.replace("@.", "@*.") for unit in units]
    asked = "--property=LoadState,NeedDaemonReload"
    said = _ran("systemctl", "show", asked, *loaded).split()
    return not {"LoadState=not-found", "NeedDaemonReload=yes"}.isdisjoint(said)


def _ran(*words: str) -> str:
    """Run a command to its end and return what it printed."""
    done = subprocess.run(words, stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise OSError("{} ended with {}".format(" ".join(words), done.returncode))
    return done.stdout


def main() -> None:
    """See the top of the file."""
    os.umask(0o022)
    wanted = json.loads(sys.stdin.readline())
    if wanted.get("lock"):
        lock.take(wanted["lock"])
    try:
        print("; ".join(lay_out(wanted, sys.stdin.readline())) or "everything was there")
    except OSError as error:
        raise SystemExit(
            "not everything is laid out: {}; what is there is whole, run again".format(error)
        ) from error


if __name__ == "__main__":
    main()
