"""Wheels of a lock: the CUDA they are built for, their Python, their glibc, their torch."""

import re
from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.preflight import seen, table
from roles.preflight.reason import Reason
from roles.spec import Accelerator, Archive, Engine, HostSpec, Image, Lock, Stack

_PACKAGES = {Engine.VLLM: "vllm", Engine.LMDEPLOY: "lmdeploy"}


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the wheels of each stack; all but glibc on a host with CUDA alone."""
    for stack in spec.stacks:
        if isinstance(stack.lock, Archive):
            continue
        path = seen.where(stack, spec)
        yield from _glibc(stack, path, found["system"]["glibc"])
        if spec.accelerator is not Accelerator.CUDA:
            continue
        if row(stack) is None:
            yield Reason(
                code="not-in-table",
                path=path,
                found=f"{stack.engine} {stack.version}",
                wanted=f"one of {', '.join(table.read('engines')[_PACKAGES[stack.engine]])}"
                if stack.engine in _PACKAGES
                else "an engine for CUDA",
                remedy="its Python, glibc, torch and compute capabilities were not judged",
                refuses=False,
            )
        if not built_for(stack):
            yield Reason(
                code="not-in-table",
                path=path,
                found=f"torch {stack.lock.pins.get('torch') or 'not'} in the lock",
                wanted="a torch whose CUDA is known, or nvidia-cuda-runtime beside it",
                remedy="whether the driver is new enough was judged by the stack's driver alone",
                refuses=False,
            )
        yield from _python(stack, path)
        yield from _torch(stack, path)


def row(stack: Stack) -> dict[str, Any] | None:
    """What is known of a stack's engine; ``None`` for a pin that nobody looked at."""
    rows = table.read("engines").get(_PACKAGES.get(stack.engine, ""), {})
    known: dict[str, Any] | None = rows.get(stack.version)
    return known


def built_for(stack: Stack) -> str | None:
    """
    The newest CUDA that wheels of the lock are built for, as ``13.0``.

    By the local version of a pin (``+cu128``), else by the runtime that is pinned beside torch,
    else by the version of torch; and by what is known of the engine's own libraries.
    """
    pins = stack.lock.pins
    found = {cuda for version in pins.values() if (cuda := _local(version))}
    found |= {versions.minor(pins[name]) for name in pins if _is_runtime(name)}
    if not found and (torch := pins.get("torch")):
        found = {cuda for cuda in (table.read("cuda")["torch"].get(torch),) if cuda}
    found |= {known["cuda"] for known in (row(stack),) if known and "cuda" in known}
    return max(found, key=versions.key, default=None)


def _local(version: str) -> str | None:
    local = re.search(r"\+cu(\d+)(\d)$", version)
    return f"{local[1]}.{local[2]}" if local else None


def _is_runtime(name: str) -> bool:
    return re.fullmatch(r"nvidia-cuda-runtime(-cu\d+)?", name) is not None


def _python(stack: Stack, path: str) -> Iterator[Reason]:
    known = row(stack) or {}
    minors: list[str] | None = known.get("pythons")
    right = minors is None or stack.python in minors
    wanted = ", ".join(minors or ())
    if span := known.get("python"):
        first, before = span
        right = not versions.older(stack.python, first) and versions.older(stack.python, before)
        wanted = f"{first} or newer, older than {before}"
    if not right:
        yield Reason(
            code="python-range",
            path=path,
            found=f"Python {stack.python}",
            wanted=f"{wanted}, for which {stack.engine} {stack.version} has wheels",
            remedy="make the lock for one of them",
        )


def _glibc(stack: Stack, path: str, found: str | None) -> Iterator[Reason]:
    """What the engine's own wheel wants, and what the lock was made for: the newer of them."""
    floors: dict[str, str] = {}
    if isinstance(stack.lock, Image):
        # It brings its own.
        return
    if stack.accelerator is Accelerator.CUDA and (known := row(stack)):
        floors[known["glibc"]] = f"{stack.engine} {stack.version}"
    if isinstance(stack.lock, Lock) and stack.lock.glibc:
        floors.setdefault(stack.lock.glibc, f"the lock of {stack.name}")
    oldest = max(floors, key=versions.key, default=None)
    if oldest and (found is None or versions.older(found, oldest)):
        yield Reason(
            code="glibc",
            path=path,
            found=f"glibc {found}" if found else "another libc than glibc",
            wanted=f"glibc {oldest} or newer for {floors[oldest]}",
            remedy="use a newer OS, or a stack whose wheels are for an older one",
        )


def _torch(stack: Stack, path: str) -> Iterator[Reason]:
    """An engine's libraries work with the torch, and the CUDA of torch, they were built with."""
    known, torch = row(stack) or {}, stack.lock.pins.get("torch")
    if torch is None or "cuda" not in known:
        return
    version, cuda = torch.partition("+")[0], _local(torch)
    exact, most = known.get("torch"), known.get("torch_at_most")
    right = version == exact if exact else not versions.older(str(most), version)
    if cuda and versions.major(cuda) != versions.major(known["cuda"]):
        right = False
    if not right:
        wanted = f"torch {exact}" if exact else f"torch {most} or older"
        yield Reason(
            code="torch",
            path=path,
            found=f"torch {torch}" + (f", which is for CUDA {cuda}" if cuda else ""),
            wanted=f"{wanted} for CUDA {versions.major(known['cuda'])}, "
            f"which {stack.engine} {stack.version} is built with",
            remedy="make the lock anew, from an index that has it",
        )
