"""Files of the host, or of a folder that stands for ``/``: links lead where they lead there."""

from __future__ import annotations

import os

import glance

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Dict, List

_LINKS = 40
_FOLDERS = ("/usr/local/bin", "/usr/local/sbin", "/usr/bin")
_HOME = "/usr/local/Ascend"
_PARTS = ("driver", "firmware", "ascend-toolkit", "cann", "nnal", "mindie", "atb-models")


class Files:
    """Files by their paths on the host."""

    def __init__(self, root: str) -> None:
        """Read below a folder; ``/`` is the host itself."""
        self._root = root.rstrip("/")

    def real(self, path: str) -> str:
        """Return where a path leads on the host, whether something is there or not."""
        here, rest, followed = "", path.split("/")[::-1], 0
        while rest:
            part = rest.pop()
            if part == "..":
                here = os.path.dirname(here).rstrip("/")
            elif part not in ("", "."):
                link = self._link(here + "/" + part)
                followed += 1 if link else 0
                if link is None or followed > _LINKS:
                    here += "/" + part
                else:
                    here = "" if link.startswith("/") else here
                    rest += link.split("/")[::-1]
        return here or "/"

    def names(self, path: str) -> List[str]:
        """Return what a folder holds, nothing where there is none."""
        try:
            return sorted(os.listdir(self._root + self.real(path)))
        except OSError:
            return []

    def has(self, path: str) -> bool:
        """Say whether something is there."""
        return os.path.exists(self._root + self.real(path))

    def text(self, path: str) -> str | None:
        """Return what a file holds, ``None`` when it cannot be read."""
        try:
            with open(self._root + self.real(path), encoding="utf-8", errors="replace") as file:
                return file.read()
        except OSError:
            return None

    def pairs(self, path: str) -> Dict[str, str]:
        """Return key → value of lines ``key=value`` or ``key : value``, the first of each key."""
        found: Dict[str, str] = {}
        for line in (self.text(path) or "").splitlines():
            ends = [end for end in (line.find("="), line.find(":")) if end > 0]
            if ends:
                found.setdefault(line[: min(ends)].strip(), line[min(ends) + 1 :].strip())
        return found

    def _link(self, path: str) -> str | None:
        try:
            return os.readlink(self._root + path)
        except OSError:
            return None


def traces(root: str = "/") -> bool:
    """Say whether a folder of Ascend's is there, or a device of its driver."""
    files = Files(root)
    devices = [name for name in files.names("/dev") if name.startswith("davinci")]
    return bool(devices) or files.has(homes(files, root)[0] or "/")


def tool() -> str | None:
    """Return where ``npu-smi`` lies, ``None`` when it is not installed."""
    return glance.program("npu-smi", *_FOLDERS)


def homes(files: Files, root: str) -> List[str]:
    """Return where packages lie: where they do by default, then where CANN was told to."""
    if root != "/" and not files.has(_HOME) and any(files.has("/" + part) for part in _PARTS):
        return [""]
    told = files.pairs("/etc/Ascend/ascend_cann_install.info")
    further = [told.get("Install_Path"), os.path.dirname(told.get("Toolkit_InstallPath", ""))]
    return [_HOME, *(home for home in further if home and home != _HOME)]
