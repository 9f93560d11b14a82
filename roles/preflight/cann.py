"""CANN and what is stacked on it: one row of versions that were made for each other."""

from collections.abc import Iterator
from typing import Any

from roles import versions
from roles.preflight import seen, table
from roles.preflight.reason import Reason
from roles.spec import Accelerator, Engine, HostSpec, InstallerKind, Package, Stack


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the versions of each stack on a host with Ascend."""
    if spec.accelerator is not Accelerator.ASCEND:
        return
    for stack in spec.stacks:
        path = seen.where(stack, spec)
        yield from _operators(stack, path)
        if stack in spec.installed and _about(stack, InstallerKind.TOOLKIT) is None:
            yield Reason(
                code="cann",
                path=path,
                found="no toolkit among the stack's installers",
                wanted="it, as a server starts with what its scripts set",
                remedy="add Ascend-cann-toolkit, its operators and NNAL",
            )
        yield from _engine_version(stack, path)
        yield from _abi(stack, path, found["system"]["glibc"])
        match stack.engine:
            case Engine.MINDIE:
                yield from _mindie(stack, path, spec, found)
            case Engine.VLLM_ASCEND:
                yield from _vllm_ascend(stack, path)
            case _:
                pass


def _about(stack: Stack, kind: InstallerKind) -> Package | None:
    installer = stack.installer(kind)
    return installer.about if installer else None


def _broken(
    path: str, what: str, found: str | None, wanted: str, *, confidence: str, row: str
) -> Reason:
    sure = confidence == "doc"
    return Reason(
        code="cann",
        path=path,
        found=f"{what} {found}" if found else f"no {what}",
        wanted=f"{what} {wanted} with {row}",
        remedy="take all of one row" if sure else "a report says so, not the vendor; it may work",
        refuses=sure,
    )


def _operators(stack: Stack, path: str) -> Iterator[Reason]:
    """The package of operators has another name, and is another one, from CANN 8.5 on."""
    toolkit, since = _about(stack, InstallerKind.TOOLKIT), table.read("ascend")["ops_since"]
    if toolkit is None:
        return
    # 8.5.0.alpha001 has the new name already, hence its first two numbers alone.
    is_old = versions.older(versions.minor(toolkit.version), since)
    wrong = InstallerKind.OPS if is_old else InstallerKind.KERNELS
    right = InstallerKind.KERNELS if is_old else InstallerKind.OPS
    if stack.installer(wrong) or not stack.installer(right):
        has = f"{wrong}" if stack.installer(wrong) else f"no {right}"
        yield Reason(
            code="cann",
            path=path,
            found=f"{has} beside toolkit {toolkit.version}",
            wanted=f"{right}, as CANN has it {'before' if is_old else 'from'} {since}"
            f"{'' if is_old else ' on'}",
            remedy=f"name the installer of {right}",
        )


def _engine_version(stack: Stack, path: str) -> Iterator[Reason]:
    """Installers of the engine itself are of the stack's version."""
    for kind in (InstallerKind.MINDIE, InstallerKind.ATB_MODELS):
        about = _about(stack, kind)
        if stack.engine is Engine.MINDIE and about and about.version != stack.version:
            yield Reason(
                code="cann",
                path=path,
                found=f"{kind} {about.version}",
                wanted=f"{stack.version}, the stack's version",
                remedy="take both from one release of MindIE",
            )


def _abi(stack: Stack, path: str, glibc: str | None) -> Iterator[Reason]:
    """MindIE and its models are built with one C++ ABI, which wants its own glibc and Python."""
    mindie, models = (
        _about(stack, kind) for kind in (InstallerKind.MINDIE, InstallerKind.ATB_MODELS)
    )
    if mindie and models and None not in (mindie.abi, models.abi) and mindie.abi != models.abi:
        yield Reason(
            code="abi",
            path=path,
            found=f"MindIE of abi{mindie.abi}, its models of abi{models.abi}",
            wanted="one ABI",
            remedy="take both with the ABI that torch was built with",
        )
    abis = {about.abi for about in (mindie, models) if about and about.abi is not None}
    for abi in sorted(abis):
        oldest = table.read("ascend")["glibc_by_abi"][abi]
        if glibc is None or versions.older(glibc, oldest):
            yield Reason(
                code="glibc",
                path=path,
                found=f"glibc {glibc}" if glibc else "another libc than glibc",
                wanted=f"glibc {oldest} or newer for packages of abi{abi}",
                remedy="use a newer OS, or packages of abi0",
            )
    if models and models.python and models.python != stack.python:
        yield Reason(
            code="python-range",
            path=path,
            found=f"Python {stack.python}",
            wanted=f"{models.python}, which {InstallerKind.ATB_MODELS} are built for",
            remedy="make the lock for it, or take the models for the lock's Python",
        )
    torch = stack.lock.pins.get("torch", "").partition("+")[0]
    if models and models.torch and torch and torch != models.torch:
        yield Reason(
            code="torch",
            path=path,
            found=f"torch {torch} in the lock",
            wanted=f"{models.torch}, which {InstallerKind.ATB_MODELS} are built for",
            remedy="make the lock with it, or take the models for the lock's torch",
        )


def _mindie(stack: Stack, path: str, spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    facts = table.read("ascend")
    row: dict[str, Any] | None = facts["mindie"].get(stack.version)
    if row is None:
        yield _unknown(stack, path, facts["mindie"])
        return
    toolkit = _about(stack, InstallerKind.TOOLKIT)
    models = _about(stack, InstallerKind.ATB_MODELS)
    torch = stack.lock.pins.get("torch", "").partition("+")[0]
    torch = torch or (models and models.torch) or ""
    os = f"{found['system']['os']['id']} {found['system']['os']['version']}"
    by_os = facts["mindie_torch_by_os"].get(stack.version, {}).get(os)
    # One host ran an older driver than its row has: the ranges of driver and firmware decide.
    for what, version, right, confidence in (
        ("CANN", toolkit and toolkit.version, [row.get("cann")], row["confidence"]),
        ("Python", stack.python, row.get("python"), row["confidence"]),
        ("torch", torch, [by_os] if by_os else row.get("torch"), row["confidence"]),
        ("driver", seen.driver(spec, found), [row.get("driver")], "third"),
    ):
        known = [one for one in right or () if one]
        if version and known and not any(versions.begins(version, one) for one in known):
            wanted = " or ".join(known) + (f" on {os}" if what == "torch" and by_os else "")
            name = f"MindIE {stack.version}"
            yield _broken(path, what, version, wanted, confidence=confidence, row=name)


def _vllm_ascend(stack: Stack, path: str) -> Iterator[Reason]:
    rows: dict[str, dict[str, Any]] = table.read("ascend")["vllm_ascend"]
    row = rows.get(stack.version)
    if row is None:
        yield _unknown(stack, path, rows)
        return
    name, pins = f"vllm-ascend {stack.version}", stack.lock.pins
    toolkit = _about(stack, InstallerKind.TOOLKIT)
    if toolkit:
        row = row | row.get("over", {}).get(toolkit.version, {})
    for package in ("vllm", "torch", "torch-npu", "triton-ascend"):
        pin, right = pins.get(package, "").partition("+")[0], row.get(package)
        # An Atlas 300I has none; for an A2 the plugin's wheel asks for it itself.
        lacks = package == "triton-ascend" and not pin
        if right and pin != right and not lacks:
            yield _broken(path, package, pin, right, confidence="doc", row=name)
    if toolkit and toolkit.version != row["cann"]:
        yield _broken(path, "CANN", toolkit.version, row["cann"], confidence="doc", row=name)
    first, before = row["python"]
    if versions.older(stack.python, first) or not versions.older(stack.python, before):
        wanted = f"{first} or newer, older than {before},"
        yield _broken(path, "Python", stack.python, wanted, confidence="doc", row=name)


def _unknown(stack: Stack, path: str, rows: dict[str, Any]) -> Reason:
    return Reason(
        code="not-in-table",
        path=path,
        found=f"{stack.engine} {stack.version}",
        wanted=f"one of {', '.join(rows)}",
        remedy="whether its CANN, torch and Python fit was not judged",
        refuses=False,
    )
