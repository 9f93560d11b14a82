"""Huawei's driver and firmware: there or planned, fitting each other, the chip and the OS."""

from collections.abc import Iterable, Iterator
from typing import Any

from roles import versions
from roles.preflight import seen, table
from roles.preflight.cuda import unseen
from roles.preflight.reason import Reason
from roles.spec import Accelerator, HostSpec


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the driver of a host with Ascend."""
    if spec.accelerator is not Accelerator.ASCEND or not (spec.stacks or spec.driver):
        return
    kinds = kinds_of(spec, found)
    if not kinds:
        yield Reason(
            code="no-accelerator",
            path="accelerator",
            found=seen.counted(seen.plugged(found)) or "no accelerator",
            wanted="an Ascend NPU",
            remedy="this is another machine than the plan is for, or the card is not seated",
        )
        return
    told = seen.vendor(spec, found)
    if told and told["error"] and not spec.driver:
        yield Reason(
            code="npu-smi",
            path="driver",
            found=f"{told['error']['text']} ({told['error']['name'] or told['error']['code']})",
            wanted="a driver that answers",
            remedy="after an upgrade, restart the machine; else look at /var/log/ascend_seclog",
        )
    elif seen.driver(spec, found) is None:
        yield Reason(
            code="driver",
            path="driver",
            found="no driver",
            wanted="an HDK for these chips",
            remedy="give the host a driver (AscendHdk), or install one",
        )
    yield from _pair(spec, told)
    yield from _chips(spec, kinds)
    yield from _users(spec, told)
    yield from _os(kinds, found["system"])
    if seen.installs(spec, found) and spec.instances and not seen.devices(spec, found):
        yield unseen()


def kinds_of(spec: HostSpec, found: dict[str, Any]) -> list[str]:
    """Return what chips there are, by npu-smi or else by PCI ids; ``unknown`` among them."""
    told = (seen.vendor(spec, found) or {"devices": []})["devices"]
    kinds = {str(device["kind"]) for device in told}
    if not kinds:
        known: dict[str, str] = table.read("ascend")["pci"]
        kinds = {known.get(what, "unknown") for what in seen.plugged(found) if _is_npu(what)}
    return sorted(kinds)


def is_310p(kinds: Iterable[str]) -> bool:
    """Say whether a chip of the 310P is among them, as on an Atlas 300I Pro or DUO."""
    return any(kind in ("duo", "310p") for kind in kinds)


def _is_npu(what: str) -> bool:
    return what.startswith(("Ascend", "Atlas"))


def name_of(kind: str) -> str:
    """Return a kind of chip as a person knows it."""
    chips: dict[str, dict[str, str]] = table.read("ascend")["chips"]
    return chips[kind]["name"] if kind in chips else "a chip that is not known here"


def _pair(spec: HostSpec, told: dict[str, Any] | None) -> Iterator[Reason]:
    """Driver and firmware each name the versions of the other that they work with."""
    hdk = (told or {"hdk": None})["hdk"]
    if spec.driver or not hdk or not hdk["driver"]:
        return
    driver, firmware = hdk["driver"], hdk["firmware"]
    for name, version, ranges, other in (
        ("firmware", firmware, hdk["compatible_firmware"], f"driver {driver}"),
        ("driver", driver, hdk["compatible_driver"], f"firmware {firmware}"),
    ):
        if version and ranges and not any(versions.between(version, *ends) for ends in ranges):
            yield Reason(
                code="hdk",
                path="driver",
                found=f"{name} {version}",
                wanted=f"{' or '.join(f'{low} to {high}' for low, high in ranges)}, which {other} "
                "names",
                remedy="install both from one HDK, or give the host a driver (AscendHdk)",
            )
    if not firmware:
        yield Reason(
            code="hdk",
            path="driver",
            found="no version of the firmware",
            wanted=f"one that driver {driver} names",
            remedy="whether they fit each other was not judged",
            refuses=False,
        )
    if hdk["loaded"] and hdk["loaded"] != driver:
        yield Reason(
            code="hdk",
            path="driver",
            found=f"driver {hdk['loaded']} loaded, {driver} installed",
            wanted="one and the same",
            remedy="restart the machine",
        )


def _chips(spec: HostSpec, kinds: list[str]) -> Iterator[Reason]:
    """Chips that nothing serves, and installers for another chip."""
    chips: dict[str, dict[str, str]] = table.read("ascend")["chips"]
    for kind in kinds:
        if kind == "unknown":
            yield Reason(
                code="chip",
                path="accelerator",
                found="a chip that is not known here",
                wanted=", ".join(chip["name"] for chip in chips.values()),
                remedy="what depends on the chip was not judged; report npu-smi info",
                refuses=False,
            )
        if kind == "910a":
            yield Reason(
                code="chip",
                path="accelerator",
                found="a card of the 910A generation, whatever it calls itself",
                wanted="an Atlas 800I A2, whose chips are called 910B1 to 910B4, or an Atlas 300I",
                remedy="use another machine: no stack is for this one",
            )
    tokens = {chips[kind]["token"] for kind in kinds if kind in chips}
    for installer in spec.files:
        if tokens and installer.about.chip not in (None, *tokens):
            yield Reason(
                code="chip",
                path=f"installers/{installer.file}",
                found=", ".join(name_of(kind) for kind in kinds),
                wanted=f"a chip of {installer.about.chip}, as the file's name says",
                remedy=f"name the vendor's file for {' or '.join(sorted(tokens))}",
            )


def _users(spec: HostSpec, told: dict[str, Any] | None) -> Iterator[Reason]:
    hdk = (told or {"hdk": None})["hdk"]
    if hdk and hdk["for_all"] is False and not spec.driver:
        yield Reason(
            code="hdk-users",
            path="driver",
            found=f"a driver for the group {hdk['group']} alone",
            wanted="one installed with --install-for-all, as instances have users of their own",
            remedy="install it anew with that flag, or give the host a driver (AscendHdk)",
            refuses=False,
        )


def _os(kinds: list[str], system: dict[str, Any]) -> Iterator[Reason]:
    listed: dict[str, dict[str, list[str]]] = table.read("ascend")["os"]
    os, arch = system["os"], system["arch"]
    for kind in kinds:
        arches = {row.split()[1]: known for row, known in listed.items() if row.split()[0] == kind}
        if not arches:
            continue
        systems = arches.get(arch, {})
        known = systems.get(os["id"].lower(), [])
        if any(os["version"].upper().startswith(first.upper()) for first in known):
            continue
        names = [f"{name} {' or '.join(first)}" for name, first in systems.items()]
        yield Reason(
            code="os",
            path="system",
            found=f"{os['id']} {os['version']} on {arch}",
            wanted=f"for {name_of(kind)} on {arch}: {', '.join(names)}"
            if names
            else f"{' or '.join(arches)} for {name_of(kind)}",
            remedy="Huawei does not list it; it may work",
            refuses=False,
        )
