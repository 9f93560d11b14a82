"""
What of ours is on this host, told by the names that everything of ours was given.

``find`` has all of it, ``of_instance``, ``of_agent`` and ``of_gateway`` one part, in the order in
which it is to go. What is a link or a mounted file system in the place of a folder of ours is
emptied and stays; what is mounted further below is left alone.
"""

from __future__ import annotations

import glob
import grp
import os
import pwd
import shutil
from typing import Any, Iterable, Iterator, List, NamedTuple, Set

import docker
import places
import unneeded


class Thing(NamedTuple):
    """One thing of ours: a path, or something that is known by its name."""

    kind: str
    name: str


def find(plan: Any, spared: Iterable[str] = ()) -> List[Thing]:
    """
    Return all of it.

    :param plan: ``{"weights_root", "erase": of "weights" and "audit" what goes, too}``
    :param spared: paths that stay for the moment
    """
    kept = {*unneeded.mounts(), *spared}
    if os.path.isdir(plan["weights_root"]):
        kept.add(plan["weights_root"])
    if "audit" not in plan["erase"] and os.path.exists(places.AUDIT):
        kept.add(places.AUDIT)
    found = [*_held(), *_files("unit", *unit_files())]
    # Without receipts nothing counts as done, if somebody wants the host again half-way.
    found += [*_tree(places.receipts(), kept), *_in_docker()]
    memory = [places.GATEWAY_RUN, *sorted(glob.glob(places.RUN + "*"))]
    for top in (*memory, places.ROOT, places.CACHE, places.STATE, places.logs()):
        found += _tree(top, kept)
    found += _weights(plan["weights_root"], erased="weights" in plan["erase"])
    found += [Thing("user", name) for name in users()]
    found += [Thing("group", one.gr_name) for one in grp.getgrall() if one.gr_name == places.GROUP]
    return list(dict.fromkeys(found))


def of_instance(name: str) -> List[Thing]:
    """Return what one instance has for itself; stacks and weights may be others' too."""
    wants = glob.glob("{}/*.wants/{}*@{}.service".format(places.UNITS, places.OURS, name))
    phases = ["activate-" + name, "accuracy-" + name, "performance-" + name]
    paths = [
        places.receipt("stage-" + name),
        places.instance(name),
        places.releases(name),
        places.secrets(name),
        places.checks(name),
        places.bad(name),
        places.transaction(name),
        places.history(name),
        places.benchmarks(name),
        places.cache(name),
        places.parting(name),
        *(places.job(phase) for phase in phases),
        *("{}/{}.json".format(folder, name) for folder in (places.kept_out(), places.out())),
    ]
    found = [*_files("unit", *sorted(wants)), *_in_docker(places.container_name(name) + "$")]
    found += _files("folder", *paths)
    return found + [Thing("user", user) for user in users() if user == places.user(name)]


def of_agent() -> List[Thing]:
    """Return what answers gateways."""
    paths = [path for path in unit_files() if os.path.basename(path) in AGENT]
    found = [*_files("unit", *paths), *_files("folder", places.agent())]
    return found + [Thing("user", user) for user in users() if user == places.AGENT_USER]


def of_gateway() -> List[Thing]:
    """Return what clients talk to."""
    paths = [path for path in unit_files() if os.path.basename(path) == places.GATEWAY_UNIT]
    folders = (places.receipt("gateway"), places.gateway(), places.GATEWAY_RUN)
    return [*_held(), *_files("unit", *paths), *_files("folder", *folders)]


def unit_files() -> List[str]:
    """Return our unit files, what an operator added to them, and the links that start them."""
    return [
        path
        for pattern in ("/*.wants/", "/")
        for path in sorted(glob.glob(places.UNITS + pattern + places.OURS + "*"))
    ]


def users() -> List[str]:
    """Return the users that were made for instances and for who answers gateways."""
    names = [one.pw_name for one in pwd.getpwall()]
    return [one for one in names if one.startswith(places.OURS) or one == places.AGENT_USER]


def stays(plan: Any) -> List[str]:
    """Return what is left alone, a line each."""
    root, tops = plan["weights_root"], (places.ROOT, places.STATE, places.CACHE, places.logs())
    found = ["{}: a file system is mounted there".format(path) for path in _mounted_below(tops)]
    erased = "weights" in plan["erase"]
    if os.path.isdir(root) and Thing("folder", root) not in _weights(root, erased):
        found.append("{}: {}".format(root, "what is not ours" if erased else "weights"))
    if "audit" not in plan["erase"] and os.path.exists(places.AUDIT):
        found.append("{}: who changed what".format(places.AUDIT))
    settings = [*sorted(glob.glob(places.PREFERENCES + "*")), places.NOUVEAU_OFF]
    found += ["{}: goes with the driver".format(path) for path in settings if os.path.exists(path)]
    return found


AGENT = (places.AGENT_SOCKET, places.AGENT_UNIT)
_NAME = places.OURS.rstrip("-")


def _files(kind: str, *paths: str) -> List[Thing]:
    return [Thing(kind, path) for path in paths if os.path.lexists(path)]


def _held() -> List[Thing]:
    """The distribution's package is held since the gateway came, and for no other reason."""
    there = os.path.exists("{}/{}".format(places.UNITS, places.GATEWAY_UNIT))
    return [Thing("hold", places.GATEWAY_PACKAGE)] if there and shutil.which("apt-mark") else []


def _in_docker(only: str = "") -> List[Thing]:
    """Containers, networks and images of ours, where there is a Docker that answers."""
    if not shutil.which("docker"):
        return []
    name = "name=^/?" + (only or places.OURS)
    asked = [("container", ["ps", "--all", "--filter", name, "--format", "{{.Names}}"])]
    asked.append(("network", ["network", "ls", "--filter", name, "--format", "{{.Name}}"]))
    if not only:
        images = ["image", "ls", "--format", "{{.Repository}}:{{.Tag}}", places.IMAGES + "*"]
        asked.append(("image", images))
    try:
        return [Thing(kind, one) for kind, words in asked for one in docker.ask(*words).split()]
    except docker.DockerError:
        # What it has cannot be had while it does not run; whoever started it there is told.
        return []


def _tree(top: str, kept: Set[str]) -> Iterator[Thing]:
    """Yield what is to go of a folder of ours, whole where nothing below it stays."""
    real = os.path.realpath(top)
    if real == top and not os.path.ismount(top):
        yield from _within(top, kept)
    elif os.path.isdir(real):
        for name in sorted(os.listdir(real)):
            yield from _within(real + "/" + name, kept)


def _within(path: str, kept: Set[str]) -> Iterator[Thing]:
    if path in kept or not os.path.lexists(path):
        return
    folder = os.path.isdir(path) and not os.path.islink(path)
    if folder and any(one.startswith(path + "/") for one in kept):
        for name in sorted(os.listdir(path)):
            yield from _within(path + "/" + name, kept)
    else:
        yield Thing("folder", path)


def _weights(root: str, erased: bool) -> Iterator[Thing]:
    """Yield weights, if they are to go, and the folders around them that hold nothing then."""
    gone = [item.path for item in unneeded.weights(root)] if erased else []
    for path in gone:
        yield Thing("weights", path)
    around = sorted(glob.glob(glob.escape(root) + "/*")) if erased else []
    around += [root + "/.incoming", root]
    if os.path.basename(os.path.dirname(root)) == _NAME:
        # We made it along with its only content.
        around.append(os.path.dirname(root))
    for path in around:
        theirs = os.path.basename(path) == "lost+found" or os.path.ismount(path)
        if os.path.islink(path) or not os.path.isdir(path) or theirs:
            continue
        if all("{}/{}".format(path, name) in gone for name in os.listdir(path)):
            gone.append(path)
            yield Thing("folder", path)


def _mounted_below(tops: Iterable[str]) -> List[str]:
    return [one for one in unneeded.mounts() if one.startswith(tuple(top + "/" for top in tops))]
