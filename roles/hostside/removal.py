"""Things of ours deleted one by one; one that could not be is told, and keeps no other."""

from __future__ import annotations

import contextlib
import grp
import os
import pwd
import subprocess
from typing import Any, Callable, Dict, List

import docker
import durable
import unneeded
from remains import Thing


def delete(things: List[Thing], say: Callable[[str], Any]) -> List[str]:
    """Delete things; return a line for each that could not be."""
    failed = []
    for thing in things:
        say("deleting {} {}".format(*thing))
        try:
            HOW[thing.kind](thing.name)
        except (OSError, docker.DockerError) as error:
            failed.append("{} {}: {}".format(thing.kind, thing.name, error))
    if any(thing.kind == "unit" for thing in things):
        subprocess.run(["systemctl", "daemon-reload"])
    return failed


def disown(root: str, users: List[str], groups: List[str]) -> None:
    """Give weights of users and groups that go to root: the next one may get their number."""
    uids = {one.pw_uid for one in pwd.getpwall() if one.pw_name in users}
    gids = {one.gr_gid for one in grp.getgrall() if one.gr_name in (*users, *groups)}
    for item in unneeded.weights(root):
        for path in _below(item.path):
            found = os.lstat(path)
            if found.st_uid in uids or found.st_gid in gids:
                os.lchown(path, 0, 0)


def _below(path: str) -> List[str]:
    found = [path]
    for folder, below, files in os.walk(path):
        found += [folder + "/" + name for name in (*below, *files)]
    return found


def _unit(name: str) -> None:
    durable.remove_all(name)
    if os.path.dirname(name).endswith(".wants"):
        # As systemd does when it disables the last one.
        with contextlib.suppress(OSError):
            os.rmdir(os.path.dirname(name))


def _command(*words: str) -> None:
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode:
        raise OSError("{}: {}".format(words[0], done.stdout.strip()))


HOW: Dict[str, Callable[[str], object]] = {
    "unit": _unit,
    "folder": durable.remove_all,
    "weights": durable.remove_all,
    "hold": lambda name: _command("apt-mark", "unhold", name),
    "user": lambda name: _command("userdel", name),
    "group": lambda name: _command("groupdel", name),
    "container": lambda name: docker.ask("rm", "--force", name),
    "network": lambda name: docker.ask("network", "rm", name),
    "image": lambda name: docker.ask("rmi", name),
}
