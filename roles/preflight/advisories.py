"""Known advisories of the engines that a plan pins."""

from collections.abc import Iterator
from functools import cache
from typing import Any

from roles import versions
from roles.preflight import seen, table
from roles.preflight.reason import Reason
from roles.spec import Engine, HostSpec, Stack, VllmOptions


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """A critical advisory refuses unless the stack accepts it by name; the high ones are told."""
    for stack in spec.stacks:
        package, version = _package(stack)
        hits = [one for one in known(package, version) if _reaches(one, stack, spec)]
        accepted = {one.advisory for one in stack.accepts}
        open_ = [one for one in hits if not accepted & {one["ghsa"], one["cve"]}]
        path = seen.where(stack, spec)
        for one in open_:
            if one["severity"] == "critical":
                yield Reason(
                    code="advisory",
                    path=path,
                    found=f"{package} {version} with {name(one)} (critical): {one['about']}",
                    wanted=_fixed(one),
                    remedy="choose a newer stack, or name it in the stack's accepts with a reason",
                )
        if high := [one for one in open_ if one["severity"] == "high"]:
            yield Reason(
                code="advisory",
                path=path,
                found=f"{package} {version} with {len(high)} of high severity: "
                f"{', '.join(map(name, high))}",
                wanted=_fixed(max(high, key=_last)),
                remedy="look whether they reach you",
                refuses=False,
            )


@cache
def known(package: str, version: str) -> tuple[dict[str, Any], ...]:
    """Return the advisories of a version of a package."""
    rows: list[dict[str, Any]] = table.read("advisories").get(package, [])
    return tuple(
        one
        for one in rows
        if not versions.older(version, one["from"])
        and (one["fixed"] is None or versions.older(version, one["fixed"]))
    )


def name(one: dict[str, Any]) -> str:
    """Return what an advisory is called: its CVE, if it has one."""
    return str(one["cve"] or one["ghsa"])


def _package(stack: Stack) -> tuple[str, str]:
    match stack.engine:
        case Engine.VLLM:
            return "vllm", stack.version
        case Engine.VLLM_ASCEND:
            return "vllm", stack.lock.pins.get("vllm", stack.version)
        case Engine.LMDEPLOY:
            return "lmdeploy", stack.version
        case Engine.MINDIE:
            return "mindie", stack.version
        case Engine.OLLAMA:
            return "ollama", stack.version


def _reaches(one: dict[str, Any], stack: Stack, spec: HostSpec) -> bool:
    """Say whether an advisory does harm here: some need a word on the command line."""
    if "words" not in one:
        return True
    words = [*stack.command]
    for instance in spec.instances:
        if instance.stack.name == stack.name and isinstance(instance.options, VllmOptions):
            words += instance.options.extra
    return any(word in one["words"] for word in words)


def _fixed(one: dict[str, Any]) -> str:
    return f"{one['fixed']} or newer" if one["fixed"] else "a version in which it is fixed"


def _last(one: dict[str, Any]) -> tuple[bool, versions.Key]:
    return one["fixed"] is None, versions.key(one["fixed"] or "0")
