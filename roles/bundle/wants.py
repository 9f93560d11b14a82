"""What hosts need, as plans that ``collect.py`` brings."""

import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from roles import aisbench, engine, paths, weights
from roles.bundle import wheels
from roles.spec import Archive, HostSpec, Lock, Stack

Plan = dict[str, Any]


def wants(
    specs: Iterable[HostSpec], folder: Path, *, index: str | None
) -> Iterator[tuple[Plan, dict[str, Any]]]:
    """Yield each plan, and what shows who asks, by source."""
    hosts = tuple(specs)
    proxies = urllib.request.getproxies()
    rest = {"limit_mib_s": None, "proxy": proxies.get("https") or proxies.get("http")}
    if files := _wheels(hosts, index):
        source = {"name": "the package index", "url": ""}
        yield _plan("wheels", folder, [source], files) | rest, {}
    for one in {i.weights.digest: i.weights for host in hosts for i in host.instances}.values():
        plan, shown = weights.bundled(one, folder=str(folder))
        yield plan | rest, shown
    archives = [stack.lock for stack in stacks(hosts) if isinstance(stack.lock, Archive)]
    for archive in {one.sha256: one for one in archives}.values():
        yield _archive(archive, folder) | rest, {}
    if files := list(_installers(hosts, folder)):
        places = {str(host.installers.path) for host in hosts if host.installers}
        sources = [{"name": place, "folder": place} for place in sorted(places)]
        yield _plan("installers", folder, sources, files) | rest, {}


def stacks(hosts: Iterable[HostSpec]) -> list[Stack]:
    """Return every stack that an instance needs, once."""
    return list({stack.folder: stack for host in hosts for stack in host.installed}.values())


def lacking(hosts: Iterable[HostSpec], folder: Path) -> list[str]:
    """Return the names of vendors' files that are neither here nor in the bundle."""
    wanted = {one.file: host for host in hosts for one in host.files}
    return sorted(name for name, host in wanted.items() if not _found(name, host, folder))


def _wheels(hosts: tuple[HostSpec, ...], index: str | None) -> list[dict[str, Any]]:
    locks = [
        (stack.lock.text, stack.python, stack.arch)
        for stack in stacks(hosts)
        if isinstance(stack.lock, Lock)
    ]
    # What installs stacks; its wheel fits every Python.
    pythons = {arch: python for _, python, arch in locks}
    locks += [(engine.INSTALLER.read_text(), python, arch) for arch, python in pythons.items()]
    spreader = weights.SPREADER.read_text()
    spread = {stack.arch for stack in stacks(host for host in hosts if host.spread)}
    # For the hosts' own Python, which is known only there.
    locks += [
        (spreader, python, arch) for arch in sorted(spread) for python in weights.SPREADER_PYTHONS
    ]
    measured = {
        (aisbench.python(host), one.stack.arch)
        for host in hosts
        for one in host.instances
        if one.benchmark
    }
    locks += [(aisbench.LOCK.read_text(), python, arch) for python, arch in sorted(measured)]
    listed = [
        wheels.listed(lock, python=python, arch=arch, index=index) for lock, python, arch in locks
    ]
    return list({file["path"]: file for files in listed for file in files}.values())


def _archive(archive: Archive, folder: Path) -> Plan:
    sources, _ = weights.gathered(archive.sources, part="archives")
    file = {"path": archive.file, "size": archive.size, "sha256": archive.sha256}
    return _plan("archives", folder, sources, [file])


def _installers(hosts: Iterable[HostSpec], folder: Path) -> Iterator[dict[str, Any]]:
    wanted = {one.file: (one, host) for host in hosts for one in host.files}
    for file, (one, of) in wanted.items():
        if found := _found(file, of, folder):
            yield {"path": file, "size": found.stat().st_size, "sha256": one.sha256}


def _found(name: str, host: HostSpec, folder: Path) -> Path | None:
    places = [Path(str(host.installers.path))] if host.installers else []
    places.append(Path(paths.bundled(str(folder), "installers")))
    return next((place / name for place in places if (place / name).is_file()), None)


def _plan(part: str, folder: Path, sources: list[dict[str, str]], files: list[Any]) -> Plan:
    place = paths.bundled(str(folder), part)
    return {"name": part, "model": False, "folder": place, "sources": sources, "files": files}
