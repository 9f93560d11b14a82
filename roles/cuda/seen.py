"""What the probe says of a host, as far as NVIDIA's driver goes."""

import re
from typing import Any

from roles.platform import PlatformError

_NVIDIA = "0x10de"


class Seen:
    """
    One probe, read for the driver.

    :raises PlatformError: there is no GPU, or it does not tell what is installed
    """

    def __init__(self, found: dict[str, Any]) -> None:
        self.cards = [card for card in found["accelerators"]["pci"] if card["vendor"] == _NVIDIA]
        if not any(card["what"] == "NVIDIA GPU" for card in self.cards):
            raise PlatformError("no NVIDIA GPU is plugged in, so no driver is put there; see lspci")
        files = found["platform"].get("cuda")
        if files is None:
            raise PlatformError(
                f"what is installed of NVIDIA's driver is not known ({found['faults'] or 'unasked'}"
                "), so nothing was changed; the probe has to tell it"
            )
        self.files: dict[str, Any] = files
        self.began: frozenset[str] = frozenset(found["platform"]["began"])
        self.system: dict[str, Any] = found["system"]
        self.cuda: dict[str, Any] = found["accelerators"]["cuda"] or {}

    @property
    def packaged(self) -> bool:
        """Whether it has packages as Debian's."""
        return self.files["packages"] is not None and self.system["os"]["id"] in (
            "debian",
            "ubuntu",
        )

    @property
    def packages(self) -> dict[str, Any]:
        """What is installed of NVIDIA's and of the kernel's, by name."""
        return self.files["packages"] or {}

    @property
    def cut_short(self) -> bool:
        """Whether something was ended in the middle: a step of ours, or somebody's package."""
        return bool(self.began) or not all(one["whole"] for one in self.packages.values())

    @property
    def loaded(self) -> str | None:
        """Version of the driver that is in the kernel, whatever version its files have."""
        version: str | None = self.files["loaded"]
        return version

    @property
    def fault(self) -> str | None:
        """Why the loaded driver does not answer."""
        if not self.cuda:
            return "libnvidia-ml.so.1 is not there"
        error = self.cuda["error"]
        return f"{error['name']}: {error['text']}" if error else None

    @property
    def nouveau(self) -> bool:
        """Whether the other driver is in the kernel, which keeps NVIDIA's from its cards."""
        return bool(self.system["nouveau"]) or any(c["driver"] == "nouveau" for c in self.cards)

    @property
    def switches(self) -> bool:
        """Whether GPUs are joined by NVSwitches, which takes a fabric manager."""
        return any(card["what"] == "NVSwitch" for card in self.cards)

    @property
    def devices(self) -> list[dict[str, Any]]:
        """The GPUs that the driver shows."""
        return list(self.cuda.get("devices") or [])

    def has(self, *names: str, version: str) -> bool:
        """Say whether packages are installed whole, each at an upstream version."""
        found = [self.packages.get(name) for name in names]
        return all(one and one["whole"] and upstream(one["version"]) == version for one in found)

    def held(self, *names: str) -> bool:
        """Say whether packages are held, each of them."""
        return all(self.packages.get(name, {}).get("held") for name in names)


def upstream(version: str) -> str:
    """Return a package's version without what the distribution added to it."""
    return re.sub(r"-[^-]*$", "", version.partition(":")[2] or version)
