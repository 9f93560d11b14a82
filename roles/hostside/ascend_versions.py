"""
What of Ascend is installed, by the version files that its packages leave behind.

Up to 8.3 toolkits lie in ``ascend-toolkit/<version>``, from 8.5 on in ``cann-<version>``, several
beside each other; ``latest`` and ``cann`` name one of them. A version that cannot be read from a
file that is there is ``None``: something is installed.
"""

from __future__ import annotations

import os
import re

import ascend_root
from ascend_root import Files

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, Iterator, List, Tuple

    Found = Dict[str, Any]

_DRIVER, _FIRMWARE = "/driver/version.info", "/firmware/version.info"
_ALIASES = ("latest", "cann", "atb-models")
_RUNNING = re.compile(r"\[[^\]:]*:([^\]:]+)\]")
_BUILT = re.compile(r"(?:MindIE\s+)?(\S+?)(?:\.(B[0-9]+))?")


def read(root: str = "/") -> Found:
    """
    Return ``hdk``, ``cann``, ``ops``, ``nnal``, ``mindie`` and ``atb_models``.

    Paths are the host's own.

    :param root: the folder in the place of ``/``, or of ``/usr/local/Ascend`` itself
    """
    files = Files(root)
    homes = ascend_root.homes(files, root)
    toolkits = _folders(files, homes, ("ascend-toolkit", r"\d|latest$"), ("", r"cann(-\d.*)?$"))
    mindie = [
        {"version": version, "build": build, "path": folder}
        for folder in _folders(files, homes, ("mindie", r"\d|latest$"))
        for version, build in _built(files, folder, "Ascend-mindie")
    ]
    models = [
        {"version": version, "path": folder}
        for folder in _folders(files, homes, ("", r"atb-models(-\d.*)?$"))
        for version, _ in _built(files, folder, "ATB-Models Version")
    ]
    return {
        "hdk": _hdk(files, homes[0]),
        "cann": _each_once(_cann(files, toolkits)),
        "ops": _each_once(_ops(files, toolkits)),
        "nnal": _each_once(_nnal(files, _folders(files, homes, ("nnal/atb", r"\d|latest$")))),
        "mindie": _each_once(iter(mindie)),
        "atb_models": _each_once(iter(models)),
    }


def _folders(files: Files, homes: List[str], *within: Tuple[str, str]) -> List[str]:
    """
    Return where the folders of versions lead, each once, those that only name another one last.

    :param within: folder below each home, and how the names in it begin that count
    """
    found = [
        os.path.join(home, parent, name)
        for home in homes
        for parent, pattern in within
        for name in files.names(os.path.join(home or "/", parent))
        if re.match(pattern, name)
    ]
    found.sort(key=lambda path: os.path.basename(path) in _ALIASES)
    return list(dict.fromkeys(files.real(path) for path in found))


def _each_once(found: Iterator[Found]) -> List[Found]:
    """Leave out a folder that only names another one, whose version was found there."""
    kept: List[Found] = []
    for one in found:
        named = os.path.basename(one["path"]) in _ALIASES
        if not named or one["version"] not in [other["version"] for other in kept]:
            kept.append(one)
    return kept


def _hdk(files: Files, home: str) -> Found:
    installed = files.pairs("/etc/ascend_install.info")
    driver = files.pairs((installed.get("Driver_Install_Path_Param") or home) + _DRIVER)
    firmware = files.pairs((installed.get("Firmware_Install_Path_Param") or home) + _FIRMWARE)
    return {
        "driver": driver.get("Version") or None,
        "firmware": firmware.get("Version") or None,
        "compatible_firmware": _ranges(driver.get("compatible_version_fw", "")),
        "compatible_driver": _ranges(firmware.get("compatible_version_drv", "")),
        "user": installed.get("UserName") or None,
        "group": installed.get("UserGroup") or None,
        "for_all": {"yes": True, "no": False}.get(installed.get("Driver_Install_For_All", "")),
        "loaded": None,
        "module": _module(files),
    }


def _module(files: Files) -> bool:
    """Say whether a module of the driver is loaded."""
    rows = (files.text("/proc/modules") or "").splitlines()
    return any(name.startswith("drv_") for name in [*rows, *files.names("/sys/module")])


def _cann(files: Files, folders: List[str]) -> Iterator[Found]:
    for folder in folders:
        told, there = _installed(files, folder, "ascend_toolkit_install.info")
        component, running = folder + "/toolkit/version.info", folder + "/version.cfg"
        if there or files.has(component) or files.has(running):
            version = told.get("version") or files.pairs(component).get("version_dir")
            version = version or _running(files, folder, "runtime", "toolkit")
            yield {"version": version, "path": folder, "arch": told.get("arch") or there}


def _ops(files: Files, folders: List[str]) -> Iterator[Found]:
    """Operators of each toolkit: a package ``kernels`` up to 8.3, ``ops`` from 8.5 on."""
    for folder in folders:
        told, there = _installed(files, folder, "ascend_ops_install.info")
        parts = [n for n in files.names(folder + "/share/info") if n.startswith("ops_")]
        each = [files.pairs("{}/share/info/{}/version.info".format(folder, n)) for n in parts]
        versions = [one.get("version_dir") or one.get("Version") for one in each if one]
        kernels = folder + "/opp_kernel/version.info"
        if there:
            yield {"version": told.get("version") or None, "path": folder, "kind": "ops"}
        elif versions:
            for version in dict.fromkeys(versions):
                yield {"version": version, "path": folder, "kind": "ops"}
        elif files.has(kernels):
            version = files.pairs(kernels).get("version_dir")
            version = version or _running(files, folder, "opp_kernel")
            yield {"version": version, "path": folder, "kind": "kernels"}


def _nnal(files: Files, folders: List[str]) -> Iterator[Found]:
    for folder in folders:
        if files.has(folder + "/version.info"):
            told = files.pairs(folder + "/version.info")
            yield {"version": told.get("Ascend-cann-atb") or None, "path": folder}


def _built(files: Files, folder: str, key: str) -> Iterator[Tuple[str | None, str | None]]:
    """Yield version and build (``B152``) of a package, nothing when there is none."""
    if files.has(folder + "/version.info"):
        found = _BUILT.fullmatch(files.pairs(folder + "/version.info").get(key, ""))
        yield (found.group(1), found.group(2)) if found else (None, None)


def _installed(files: Files, folder: str, name: str) -> Tuple[Dict[str, str], str | None]:
    """Return what a package says of its installation, and the architecture it lies in."""
    for part in files.names(folder):
        arch, _, os_name = part.partition("-")
        if os_name == "linux" and files.has("{}/{}/{}".format(folder, part, name)):
            return files.pairs("{}/{}/{}".format(folder, part, name)), arch
    return {}, None


def _running(files: Files, folder: str, *parts: str) -> str | None:
    """Return the version in ``version.cfg``, as ``[7.6.0.1.220:8.0.0]`` there."""
    told = files.pairs(folder + "/version.cfg")
    for part in parts:
        found = set(_RUNNING.findall(told.get(part + "_running_version", "")))
        if len(found) == 1:
            version: str = found.pop()
            return version
    return None


def _ranges(text: str) -> List[List[str]]:
    """Return ``[7.0.0,7.7.99],[…]`` as pairs, lowest and highest."""
    found = re.findall(r"\[([^\[\],]+),([^\[\],]+)\]", text)
    return [[low.strip(), high.strip()] for low, high in found]
