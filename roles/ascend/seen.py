"""What the probe says of a host, as far as Ascend's packages go."""

from typing import Any

from roles import versions
from roles.platform import PlatformError
from roles.spec import Installer

_NOTHING: dict[str, Any] = {
    "hdk": {
        "driver": None, "firmware": None, "group": None, "for_all": None, "loaded": None,
        "module": False,
    },
    "error": None, "devices": [], "cann": [], "ops": [], "nnal": [], "mindie": [],
    "atb_models": [],
}  # fmt: skip
_HUAWEI = "0x19e5"


class Seen:
    """
    One probe, read for Ascend.

    :raises PlatformError: it does not tell what is installed
    """

    def __init__(self, found: dict[str, Any]) -> None:
        files = found["platform"].get("ascend")
        if files is None:
            raise PlatformError(
                "what is installed beside Ascend's driver is not known "
                f"({found['faults'] or 'unasked'}), so nothing was changed"
            )
        self.files: dict[str, Any] = files
        self.began: frozenset[str] = frozenset(found["platform"]["began"])
        self.system: dict[str, Any] = found["system"]
        self.reboot: dict[str, Any] = found["platform"]["reboot"] or {}
        self.part: dict[str, Any] = found["accelerators"]["ascend"] or _NOTHING
        self._cards: list[dict[str, Any]] = found["accelerators"]["pci"] or []

    @property
    def plugged(self) -> bool:
        """Whether there is a chip to drive."""
        cards = any(card["vendor"] == _HUAWEI and card["what"] for card in self._cards)
        return cards or bool(self.part["devices"])

    @property
    def driver(self) -> str | None:
        """Version of the driver on disk."""
        version: str | None = self.part["hdk"]["driver"]
        return version

    @property
    def firmware(self) -> str | None:
        """Version of the firmware that was last written."""
        version: str | None = self.part["hdk"]["firmware"]
        return version

    @property
    def loaded(self) -> str | None:
        """Version of the driver that answers."""
        version: str | None = self.part["hdk"]["loaded"]
        return version

    @property
    def for_all(self) -> bool:
        """Whether every user may use the chips, as instances have users of their own."""
        return bool(self.part["hdk"]["for_all"])

    @property
    def group(self) -> str:
        """The group of those who may use the chips."""
        return str(self.part["hdk"]["group"] or "HwHiAiUser")

    @property
    def runs(self) -> bool:
        """Whether a driver is in the kernel, answering or not."""
        return bool(self.part["hdk"]["module"] or self.loaded)

    def has(self, kind: str, version: str) -> bool:
        """Say whether one of several that may lie beside each other is there."""
        return any(one["version"] == version for one in self.part[kind])

    def older_mindie(self, installer: Installer) -> str | None:
        """Return the newest MindIE that is there of those older than an installer's."""
        newest: str | None = None
        for version in (str(one["version"]) for one in self.part["mindie"]):
            older = versions.older(version, installer.about.version)
            if older and (newest is None or versions.older(newest, version)):
                newest = version
        return newest

    def has_folder(self, kind: str, folder: str) -> bool:
        """Say whether one that has a folder of its own is there."""
        name = folder.rpartition("/")[2]
        return any(str(one["path"]).rpartition("/")[2] == name for one in self.part[kind])
