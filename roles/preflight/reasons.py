"""Spec × probe → reasons against the plan: pure functions."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from roles import paths, weights
from roles.spec import Folder, HostSpec, Instance

_SYSTEMD = 247
_PYTHON = (3, 8)
_GIB = 1024  # in MiB
_MIB = 1024 * 1024


@dataclass(frozen=True)
class Reason:
    """One reason why a plan cannot work on a host."""

    code: str
    path: str
    found: str
    wanted: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.path}: found {self.found}, wanted {self.wanted}; {self.remedy} [{self.code}]"


def against(spec: HostSpec, found: dict[str, Any]) -> list[Reason]:
    """Return every reason against ``spec`` on the host that was found."""
    if found["faults"]:
        return [_fault(part, fault) for part, fault in found["faults"].items()]
    return [
        *_system(spec, found["system"]),
        *_pythons(spec, found),
        *_disks(spec, found),
        *(reason for instance in spec.instances for reason in _port(instance, found)),
    ]


def _fault(part: str, fault: str) -> Reason:
    if part == "python":
        remedy = "install one, or name the one there in the host's python"
        return Reason("python", part, fault, "Python 3.8 or newer", remedy)
    return Reason("probe", part, fault, "an answer", "report it with the output of the probe")


def _system(spec: HostSpec, system: dict[str, Any]) -> Iterator[Reason]:
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
    if system["arch"] != "x86_64" and spec.instances:
        yield Reason(
            code="arch",
            path="system",
            found=system["arch"],
            wanted="x86_64",
            remedy="no stack of this release is locked for another architecture",
        )


def _pythons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    for instance in spec.instances:
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
    for stack in {i.stack.folder: i.stack for i in spec.instances}.values():
        if stack.folder not in found["stacks"]:
            yield paths.ROOT, stack.name, stack.disk_gib * _GIB


def _weights_to_come(spec: HostSpec, found: dict[str, Any]) -> Iterator[tuple[str, str, float]]:
    for one in {i.weights.digest: i.weights for i in spec.instances}.values():
        phase, digest = weights.receipt(one, root=spec.weights_root)
        if found["receipts"].get(phase, {"digest": None})["digest"] != digest:
            # Files from the control machine arrive beside their place first. What brings them
            # leaves a spare.
            copies = 2 if isinstance(one.source, Folder) else 1
            mib = one.size / _MIB
            yield spec.weights_root, one.name, copies * mib + min(_GIB, mib)


def _port(instance: Instance, found: dict[str, Any]) -> Iterator[Reason]:
    ours = {seen["unit"] for seen in found["instances"].values() if seen["unit"]}
    for listener in found["ports"]:
        if listener["port"] != instance.port or listener["unit"] in ours:
            continue
        who = listener["unit"] or listener["process"] or "an unknown process"
        yield Reason(
            code="port",
            path=f"instances/{instance.name}/port",
            found=f"{instance.port} is held by {who} (pid {listener['pid']})",
            wanted="a free port",
            remedy="stop it there, or give the instance another port",
        )
