"""What the probe says of a host, as far as Ascend's packages go."""

from typing import Any

from roles.platform import PlatformError

_NOTHING: dict[str, Any] = {
    "hdk": {"driver": None, "firmware": None, "loaded": None, "module": False},
    "error": None, "cann": [], "ops": [], "nnal": [], "mindie": [], "atb_models": [],
}  # fmt: skip


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
        self.part: dict[str, Any] = found["accelerators"]["ascend"] or _NOTHING

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
    def runs(self) -> bool:
        """Whether a driver is in the kernel, answering or not."""
        return bool(self.part["hdk"]["module"] or self.loaded)

    def has(self, kind: str, version: str) -> bool:
        """Say whether one of several that may lie beside each other is there."""
        return any(one["version"] == version for one in self.part[kind])
