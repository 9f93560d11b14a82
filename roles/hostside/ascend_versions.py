"""
What of Ascend is installed, by the version files that each package leaves behind.

``root`` is the folder in the place of ``/``, or one that looks like ``/usr/local/Ascend`` itself.
"""

from __future__ import annotations

import glob
import os
import re
from typing import Any, Dict, Iterator, List

_HOME = "usr/local/Ascend"
_PARTS = ("driver", "firmware", "ascend-toolkit", "cann*", "nnal", "mindie", "atb-models*")


def read(root: str = "/") -> Dict[str, Any]:
    """Return the versions of everything that is there; what is not, is ``None`` or empty."""
    home = _home(root)
    toolkits = list(_toolkits(home))
    return {
        "hdk": _hdk(root, home),
        "cann": toolkits,
        "ops": [one for toolkit in toolkits for one in _ops(toolkit["path"], toolkit["version"])],
        "nnal": list(_nnal(home)),
        "mindie": list(_mindie(home)),
        "atb_models": list(_atb_models(home)),
    }


def traces(root: str = "/") -> bool:
    """Say whether anything of Ascend is there: files, or the nodes of a loaded driver."""
    nodes = glob.glob(os.path.join(root, "dev/davinci*"))
    return bool(nodes) or any(glob.glob(os.path.join(_home(root), part)) for part in _PARTS)


def _home(root: str) -> str:
    home = os.path.join(root, _HOME)
    itself = any(glob.glob(os.path.join(root, part)) for part in _PARTS)
    return root if itself and not os.path.isdir(home) else home


def _hdk(root: str, home: str) -> Dict[str, Any]:
    driver = _pairs(os.path.join(home, "driver/version.info"))
    firmware = _pairs(os.path.join(home, "firmware/version.info"))
    installed = _pairs(os.path.join(root, "etc/ascend_install.info"))
    for_all = installed.get("Driver_Install_For_All")
    return {
        "driver": driver.get("Version"),
        "firmware": firmware.get("Version"),
        "compatible_firmware": _ranges(driver.get("compatible_version_fw")),
        "compatible_driver": _ranges(firmware.get("compatible_version_drv")),
        "user": installed.get("UserName"),
        "group": installed.get("UserGroup"),
        "for_all": None if for_all is None else for_all == "yes",
        "loaded": None,
        "module": _module(root),
    }


def _module(root: str) -> bool:
    """Say whether the driver's kernel module is loaded."""
    if glob.glob(os.path.join(root, "sys/module/drv_*")):
        return True
    loaded = _text(os.path.join(root, "proc/modules"))
    return any(line.startswith("drv_") for line in loaded.splitlines())


def _toolkits(home: str) -> Iterator[Dict[str, Any]]:
    """Every toolkit, beside each other; up to 8.3 and from 8.5 on they lie elsewhere."""
    folders = glob.glob(home + "/ascend-toolkit/*") + glob.glob(home + "/cann*")
    # Links as latest and cann name one of them; without what they name, they stand for it.
    real = {os.path.realpath(folder) for folder in folders if os.path.isdir(folder)}
    for folder in sorted(real):
        version, arch = _toolkit(folder)
        if version:
            yield {"version": version, "path": folder, "arch": arch}


def _toolkit(folder: str) -> List[str | None]:
    for path in sorted(glob.glob(folder + "/*-linux/ascend_toolkit_install.info")):
        said = _pairs(path)
        if said.get("version"):
            return [said["version"], said.get("arch")]
    said = _pairs(folder + "/toolkit/version.info")
    if said.get("version_dir"):
        return [said["version_dir"], None]
    running = _pairs(folder + "/version.cfg").get("toolkit_running_version", "")
    found = re.match(r"^\[[^:\]]+:([^\]]+)\]$", running)
    return [found.group(1) if found else None, None]


def _ops(toolkit: str, version: str) -> Iterator[Dict[str, Any]]:
    """Operators of a toolkit: kernels up to 8.3, ops from 8.5 on."""
    for path in sorted(glob.glob(toolkit + "/opp_kernel/version.info")):
        said = _pairs(path)
        found = said.get("version_dir") or said.get("Version")
        yield {"version": found or version, "path": os.path.dirname(path), "kind": "kernels"}
    for path in sorted(glob.glob(toolkit + "/share/info/ops_*/version.info")):
        said = _pairs(path)
        found = said.get("version_dir") or said.get("Version")
        yield {"version": found or version, "path": os.path.dirname(path), "kind": "ops"}


def _nnal(home: str) -> Iterator[Dict[str, Any]]:
    for folder in _folders(home + "/nnal/atb"):
        version = _colons(folder + "/version.info").get("Ascend-cann-atb")
        if version:
            yield {"version": version, "path": folder}


def _mindie(home: str) -> Iterator[Dict[str, Any]]:
    for folder in _folders(home + "/mindie"):
        said = _colons(folder + "/version.info").get("Ascend-mindie", "")
        found = re.match(r"^(?:MindIE )?(\S+?)(?:\.(B\d+))?$", said)
        if found:
            yield {"version": found.group(1), "build": found.group(2), "path": folder}


def _atb_models(home: str) -> Iterator[Dict[str, Any]]:
    for folder in _folders(home, "atb-models*"):
        said = _colons(folder + "/version.info").get("ATB-Models Version", "")
        found = re.match(r"^(\S+?)(?:\.B\d+)?$", said)
        if found:
            yield {"version": found.group(1), "path": folder}


def _folders(parent: str, named: str = "*") -> List[str]:
    """Return the folders of versions, each once, whatever links name them."""
    found = glob.glob("{}/{}".format(parent, named))
    return sorted({os.path.realpath(path) for path in found if os.path.isdir(path)})


def _ranges(text: str | None) -> List[List[str]]:
    return [pair.split(",") for pair in re.findall(r"\[([^\],]+,[^\],]+)\]", text or "")]


def _pairs(path: str) -> Dict[str, str]:
    return _split(path, "=")


def _colons(path: str) -> Dict[str, str]:
    return _split(path, ":")


def _split(path: str, sign: str) -> Dict[str, str]:
    rows = [line.partition(sign) for line in _text(path).splitlines() if sign in line]
    return {key.strip(): value.strip() for key, _, value in rows}


def _text(path: str) -> str:
    try:
        with open(path, encoding="utf-8", errors="replace") as file:
            return file.read()
    except OSError:
        return ""
