"""The machine and its OS: Python, systemd, disks, ports."""

from collections.abc import Iterator
from typing import Any

from roles import paths, platform, weights
from roles.preflight import seen
from roles.preflight.reason import Reason
from roles.spec import Accelerator, Archive, Folder, HostSpec, Image, Instance, Stack

_SYSTEMD = 247
_PYTHON = (3, 8)
_GIB = 1024  # in MiB
_MIB = 1024 * 1024


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the plan on this machine."""
    yield from _os(found["system"])
    yield from _arch(spec, found["system"]["arch"])
    yield from _pythons(spec, found)
    yield from _disks(spec, found)
    for instance in spec.instances:
        yield from _port(instance, spec, found)
    yield from _installers(spec, found)
    yield from _reboot(spec, found)


def _os(system: dict[str, Any]) -> Iterator[Reason]:
    if system["systemd"] is None or system["systemd"] < _SYSTEMD:
        yield Reason(
            code="systemd",
            path="system",
            found=f"systemd {system['systemd'] or 'not running'}",
            wanted=f"{_SYSTEMD} or newer as the first process",
            remedy="use an OS of 2021 or later, booted with systemd",
        )
    if tuple(int(part) for part in system["python"].split(".")[:2]) < _PYTHON:
        yield Reason(
            code="python-old",
            path="python",
            found=system["python"],
            wanted="3.8 or newer",
            remedy="install a newer one and name it in the host's python",
        )
    if system["uid"] != 0:
        yield Reason(
            code="not-root",
            path="system",
            found=f"user id {system['uid']}",
            wanted="root",
            remedy="connect as root, or run pyinfra with --sudo",
        )


def _arch(spec: HostSpec, arch: str) -> Iterator[Reason]:
    """A stack is pinned for one machine: its packages, an archive, an image."""
    for stack in spec.stacks:
        if stack.arch != arch:
            yield Reason(
                code="arch",
                path=seen.where(stack, spec),
                found=f"{arch} on the host",
                wanted=f"{stack.arch}, which {stack.name} is pinned for",
                remedy=f"choose a stack for {arch}, or make its lock with arch={arch!r}",
            )


def _pythons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    for instance in spec.instances:
        if isinstance(instance.stack.lock, Archive | Image):
            continue
        wanted = f"python{instance.stack.python}"
        installed = instance.stack.folder in found["stacks"]
        if wanted not in found["system"]["pythons"] and not installed:
            yield Reason(
                code="python-missing",
                path=f"instances/{instance.name}/stack",
                found=", ".join(found["system"]["pythons"]) or "no python3 in /usr/bin",
                wanted=wanted,
                remedy=f"install {wanted} there, or choose a stack for a Python that it has",
            )


def _disks(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What is still to come, against the space that is free on each disk."""
    needs: dict[int, list[tuple[str, str, float]]] = {}
    for path, name, mib in [*_stacks_to_come(spec, found), *_weights_to_come(spec, found)]:
        needs.setdefault(found["disks"][path]["device"], []).append((path, name, mib))
    for wanted in needs.values():
        paths_wanted = sorted({path for path, _, _ in wanted})
        free_mib = found["disks"][paths_wanted[0]]["free_mib"]
        need_mib = sum(mib for _, _, mib in wanted)
        if free_mib < need_mib:
            yield Reason(
                code="disk",
                path=f"disks{paths_wanted[0]}",
                found=f"{free_mib / _GIB:.1f} GiB free",
                wanted=f"{need_mib / _GIB:.1f} GiB for {', '.join(name for _, name, _ in wanted)}",
                remedy="free some, or put it on a larger disk",
            )


def _stacks_to_come(spec: HostSpec, found: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    for stack in spec.installed:
        # Where Docker keeps images it alone knows: the job looks there before it brings one.
        if stack.folder not in found["stacks"] and not isinstance(stack.lock, Image):
            yield paths.ROOT, stack.name, stack.disk_gib * _GIB + _archive_mib(stack)


def _archive_mib(stack: Stack) -> float:
    """Return what an archive takes until it is unpacked: it arrives beside its place first."""
    if not isinstance(stack.lock, Archive):
        return 0
    copies = 2 if isinstance(stack.lock.sources[0], Folder) else 1
    return copies * stack.lock.size / _MIB


def _weights_to_come(spec: HostSpec, found: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    for one in {i.weights.digest: i.weights for i in spec.instances}.values():
        phase, digest = weights.receipt(one, root=spec.weights_root)
        if found["receipts"].get(phase, {"digest": None})["digest"] != digest:
            # Files from the control machine arrive beside their place first. What brings them
            # leaves a spare.
            copies = 2 if isinstance(one.sources[0], Folder) else 1
            mib = one.size / _MIB
            yield spec.weights_root, one.name, copies * mib + min(_GIB, mib)


def _port(instance: Instance, spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    ours = seen.units(spec, found)
    for listener in found["ports"]:
        if listener["port"] not in instance.ports or listener["unit"] in ours:
            continue
        pid = f" (pid {listener['pid']})" if listener["pid"] else ""
        yield Reason(
            code="port",
            path=f"instances/{instance.name}/port",
            found=f"{listener['port']} is held by {seen.holder(listener)}{pid}",
            wanted="a free port",
            remedy="stop it there, or give the instance another port",
        )


def _installers(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """Vendors' files for this machine."""
    arch = found["system"]["arch"]
    for installer in spec.files:
        if installer.about.arch not in (None, arch):
            yield Reason(
                code="installer-arch",
                path=f"installers/{installer.file}",
                found=f"{arch} on the host",
                wanted=f"{installer.about.arch}, as the file's name says",
                remedy=f"name the vendor's file for {arch}",
            )


def _reboot(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What a driver needs of the kernel, and whether the machine will have to start again."""
    system, pending = found["system"], platform.pending(found)
    installs = seen.installs(spec, found)
    if installs and not system["headers"]:
        packaged = system["os"]["id"].lower() in (
            "debian",
            "ubuntu",
            "openeuler",
            "kylin",
            "centos",
        )
        yield Reason(
            code="headers",
            path="driver",
            found=f"no headers of the running kernel {system['kernel']}",
            wanted="them, to build the driver's module",
            remedy="they are installed before the driver"
            if packaged
            else "install them by hand: this OS's packages are not known here",
            refuses=not packaged,
        )
    if installs and system["secure_boot"]:
        yield Reason(
            code="secure-boot",
            path="driver",
            found="secure boot is on",
            wanted="a module that the firmware trusts",
            remedy="enrol the key that signs it (mokutil), or switch secure boot off",
            refuses=False,
        )
    loaded = seen.driver_there(spec, found) or seen.nouveau(found)
    needed = installs and (loaded or spec.accelerator is Accelerator.ASCEND)
    if (needed or pending) and not spec.may_reboot:
        why = "a driver to be installed" + (", in place of a loaded one" if loaded else "")
        yield Reason(
            code="reboot",
            path="may_reboot",
            found=pending or why,
            wanted="a restart of the machine, which the host's may_reboot does not allow",
            remedy="without --data reboot=yes the run will stop there: give that, set may_reboot, "
            "or restart it by hand and run again",
            refuses=False,
        )
