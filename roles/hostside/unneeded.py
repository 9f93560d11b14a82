"""
What of ours on this host nothing needs any more.

Needed is what the spec wants, what ``current``, ``previous`` and ``secrets`` of any instance lead
to, the release that a rollback goes to, whatever an interrupted activation may go back to, and what
any process has open. Only names that we give are looked at, and no link below our own folders is
ever followed to something to delete.
"""

from __future__ import annotations

import glob
import os
import re
import stat
from typing import Any, Dict, Iterator, List, NamedTuple, Set, Tuple

import history
import places
import transaction
import units

_LEFT = r"(\.new|\.old|\.gone)?"
_DIGEST = r"[0-9a-f]{12}"
_BRINGS_WEIGHTS = ("weights-", "patch-", "compress-", "own-", "verify-")


class Item(NamedTuple):
    """One folder or file of ours; ``like`` is the one that it is needed with."""

    kind: str
    path: str
    like: str


class Unneeded(NamedTuple):
    """What may go, with the bytes that it frees; and what may not, with the reason."""

    items: List[Tuple[Item, int]]
    left: List[Tuple[str, str]]


def find(plan: Any) -> Unneeded:
    """
    Look for what the plan of ``prune.py`` does not keep.

    :raises OSError: something cannot be read that tells what is needed
    """
    needed, at_work = _needed(plan), units.jobs()
    opened, mounts = _opened(plan), _mounts()
    going: List[Item] = []
    left: List[Tuple[str, str]] = []
    for item in _items(plan["weights_root"]):
        if _touches(os.path.realpath(item.like), needed):
            continue
        why = (
            _strange(item, mounts)
            or _busy(item.kind, at_work)
            or plan["spared"].get(os.path.dirname(item.path))
            or _within(os.path.realpath(item.path), opened)
        )
        if why:
            left.append((item.path, why))
        else:
            going.append(item)
    return Unneeded(list(zip(going, _freed(going))), left)


def _items(weights_root: str) -> Iterator[Item]:
    """Yield everything of ours that goes one day, told by its place and its name."""
    root, state = places.ROOT, places.STATE
    # Without the link nobody can tell which of them is the one.
    scripts = "/hostside-*" if os.path.isdir(root + "/hostside") else "/hostside-"
    for kind, pattern, name in (
        ("release", root + "/releases/*/*", ".+-" + _DIGEST),
        ("stack", root + "/stacks/*", ".+-" + _DIGEST),
        ("secrets", state + "/secrets/*/*", _DIGEST),
        ("scripts", root + scripts, "hostside-" + _DIGEST),
        ("weights", glob.escape(weights_root) + "/*/*", "{0}(-{0})?".format(_DIGEST)),
        ("weights", glob.escape(weights_root) + "/.incoming/*", _DIGEST),
        ("installer", root + "/cache/installers/*", _DIGEST + "-.+?"),
    ):
        for path in sorted(glob.glob(pattern)):
            if re.fullmatch(name + _LEFT, os.path.basename(path)):
                yield Item(kind, path, path)
    for path in sorted(glob.glob(glob.escape(weights_root) + "/*/*")):
        # What a swarm left beside a model, and goes with it.
        beside = re.fullmatch(
            "({})[.](swarm|torrent)".format(_DIGEST) + _LEFT, os.path.basename(path)
        )
        if beside:
            yield Item("weights", path, "{}/{}".format(os.path.dirname(path), beside[1]))
    for path in sorted(glob.glob(state + "/checks/*/*.json")):
        yield Item("questions", path, _release(path[: -len(".json")]))
    for path in sorted(glob.glob(places.CACHE + "/*/*")):
        if re.fullmatch(".+-" + _DIGEST + _LEFT, os.path.basename(path)):
            yield Item("compiled", path, _release(path))


def _release(path: str) -> str:
    instance, name = path.split("/")[-2:]
    return "{}/{}".format(places.releases(instance), name)


def _needed(plan: Any) -> Set[str]:
    """Return where everything that is needed lies, its links followed to their ends."""
    roots: List[str] = [*plan["keep"], places.ROOT + "/hostside"]
    for path in glob.glob(places.instances() + "/*/*"):
        roots.append(path)
    for name in map(os.path.basename, glob.glob(places.instances() + "/*")):
        # Another than what the link previous leads to, when that one cannot serve again.
        before = history.before(name)
        roots += ["{}/{}".format(places.releases(name), before)] if before else []
    for interrupted in transaction.unfinished():
        for when in ("before", "after"):
            roots += [to for to in interrupted.record[when]["links"].values() if to]
    found: Set[str] = set()
    for path in roots:
        real = os.path.realpath(path)
        # A release's links lead to its stack and its weights.
        within = [os.path.realpath(link) for link in glob.glob(glob.escape(real) + "/*")]
        found.update([real, *within])
    # A view shares its files with what it was made of, and is made again from there.
    found.update([re.sub("(/{0})-{0}$".format(_DIGEST), r"\1", path) for path in found])
    return found


def _touches(path: str, needed: Set[str]) -> bool:
    """Say whether a path is needed, lies in something that is, or holds something that is."""
    return any((one + "/").startswith(path + "/") or path.startswith(one + "/") for one in needed)


def _strange(item: Item, mounts: List[str]) -> str:
    """Say why an item is not what we left there."""
    parent, seen = os.path.dirname(item.path), os.lstat(item.path)
    if stat.S_ISLNK(seen.st_mode):
        return "is a link, which we never made"
    # The spec names weights_root: that one may be a link.
    for folder in [parent] if item.kind == "weights" else [parent, os.path.dirname(parent)]:
        if os.path.islink(folder):
            return "lies behind the link {}".format(folder)
    real = os.path.realpath(item.path)
    for mount in mounts:
        if (mount + "/").startswith(real + "/"):
            return "has a file system mounted at {}".format(mount)
    return ""


def _busy(kind: str, at_work: List[str]) -> str:
    """Say which job may be at work on things of a kind; whatever is not known may be."""
    for job in at_work:
        harmless = (
            (job.startswith("install-") and kind not in ("stack", "installer", "scripts"))
            or (job.startswith(_BRINGS_WEIGHTS) and kind not in ("weights", "scripts"))
            or (job == "platform" and kind not in ("installer", "scripts"))
        )
        if not harmless:
            return "the job {} is at work".format(job)
    return ""


def _opened(plan: Any) -> Dict[str, str]:
    """Return which process has what of our folders open, mapped or as its folder."""
    ours = tuple(
        os.path.realpath(root) + "/" for root in (places.ROOT, places.CACHE, plan["weights_root"])
    )
    found: Dict[str, str] = {}
    for process in glob.glob("/proc/[0-9]*"):
        pid = process.rsplit("/", 1)[1]
        for path in _paths(process):
            if path.startswith(ours) and pid != str(os.getpid()):
                found.setdefault(path, "process {} uses {}".format(pid, path))
    return found


def _paths(process: str) -> Iterator[str]:
    for link in (process + "/cwd", process + "/exe", *glob.glob(process + "/fd/*")):
        try:
            yield os.readlink(link)
        except OSError:
            continue
    try:
        with open(process + "/maps", errors="surrogateescape") as maps:
            for line in maps:
                fields = line.rstrip("\n").split(None, 5)
                if len(fields) == 6:
                    yield fields[5]
    except OSError:
        return


def _within(path: str, opened: Dict[str, str]) -> str:
    """Return who has something open in a path."""
    for one, why in opened.items():
        if (one + "/").startswith(path + "/"):
            return why
    return ""


def _mounts() -> List[str]:
    """Return where file systems are mounted, as this process sees them."""
    with open("/proc/self/mountinfo", errors="surrogateescape") as file:
        escaped = [line.split()[4] for line in file]
    return [re.sub(r"\\([0-7]{3})", lambda code: chr(int(code[1], 8)), one) for one in escaped]


def _freed(items: List[Item]) -> List[int]:
    """Return the bytes that each item frees; of a file with several names, when all of them go."""
    names: Dict[Tuple[int, int], int] = {}
    files = [list(_files(item.path)) for item in items]
    for found in files:
        for seen in found:
            inode = (seen.st_dev, seen.st_ino)
            names[inode] = names.get(inode, 0) + 1
    counts, told = [], set()
    for found in files:
        count = 0
        for seen in found:
            inode = (seen.st_dev, seen.st_ino)
            if inode not in told and (stat.S_ISDIR(seen.st_mode) or names[inode] == seen.st_nlink):
                told.add(inode)
                count += seen.st_blocks * 512
        counts.append(count)
    return counts


def _files(path: str) -> Iterator[os.stat_result]:
    yield os.lstat(path)
    for folder, below, files in os.walk(path):
        for name in (*below, *files):
            yield os.lstat(folder + "/" + name)
