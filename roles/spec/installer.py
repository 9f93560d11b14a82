"""An installer: one file of a vendor, pinned by its hash; its name says what it is."""

import re
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NamedTuple

from pydantic import AfterValidator

from roles.spec.base import Fault, Spec, spelled


class InstallerKind(StrEnum):
    """What a vendor's installer brings."""

    NVIDIA_DRIVER = "nvidia-driver"
    HDK_DRIVER = "hdk-driver"
    HDK_FIRMWARE = "hdk-firmware"
    TOOLKIT = "toolkit"
    KERNELS = "kernels"
    OPS = "ops"
    NNAL = "nnal"
    MINDIE = "mindie"
    ATB_MODELS = "atb-models"


class Package(NamedTuple):
    """
    What the name of an installer says; ``None`` where it says nothing.

    :param chip: ``910b`` (Atlas 800I A2) or ``310p`` (Atlas 300I)
    :param arch: as ``uname -m`` says it
    :param abi: C++11 ABI of the libraries, 0 or 1
    """

    kind: InstallerKind
    version: str
    chip: str | None = None
    arch: str | None = None
    abi: int | None = None
    python: str | None = None
    torch: str | None = None


_VERSION = r"(?P<version>\d+(\.\w+)+)"
_ARCH = r"(?P<arch>aarch64|x86_64|x86-64)"
_CHIP = r"(?P<chip>[0-9]{3}[a-z]?)"
# Names as the vendors give them. Only the HDK's driver spells x86-64 with a dash.
_NAMES = {
    InstallerKind.NVIDIA_DRIVER: rf"NVIDIA-Linux-{_ARCH}-{_VERSION}\.run",
    InstallerKind.HDK_DRIVER: rf"Ascend-hdk-{_CHIP}-npu-driver_{_VERSION}_linux-{_ARCH}\.run",
    InstallerKind.HDK_FIRMWARE: rf"Ascend-hdk-{_CHIP}-npu-firmware_{_VERSION}\.run",
    InstallerKind.TOOLKIT: rf"Ascend-cann-toolkit_{_VERSION}_linux-{_ARCH}\.run",
    InstallerKind.KERNELS: rf"Ascend-cann-kernels-{_CHIP}_{_VERSION}_linux(-{_ARCH})?\.run",
    InstallerKind.OPS: rf"Ascend-cann-{_CHIP}-ops_{_VERSION}_linux-{_ARCH}\.run",
    InstallerKind.NNAL: rf"Ascend-cann-nnal_{_VERSION}_linux-{_ARCH}\.run",
    InstallerKind.MINDIE: rf"Ascend-mindie_{_VERSION}_linux-{_ARCH}(_abi(?P<abi>[01]))?\.run",
    InstallerKind.ATB_MODELS: (
        rf"Ascend-mindie-atb-models_{_VERSION}_linux-{_ARCH}_py(?P<python>3\.?\d+)"
        r"_torch(?P<torch>\d+(\.\d+)+)-abi(?P<abi>[01])\.tar\.gz"
    ),
}


def _vendors_name(name: str) -> str:
    if not any(re.fullmatch(pattern, name, re.ASCII) for pattern in _NAMES.values()):
        raise ValueError(
            "should be the name that the vendor gave it, "
            "as in Ascend-hdk-910b-npu-firmware_7.7.0.1.231.run"
        )
    return name


_Known = Annotated[str, spelled(r"([0-9a-f]{64})?", "should be 64 hexadecimal digits")]


class Installer(Spec):
    """
    A vendor's file. It lies in the host's ``installers`` folder.

    :param file: its name, as the vendor gives it
    :param sha256: of the file; it is looked at before the file is run. Without it no inventory
        may use the file
    :param listed: the list that the sha256 is from; see :func:`installers`
    """

    file: Annotated[str, AfterValidator(_vendors_name)]
    sha256: _Known = ""
    listed: Path | None = None

    @property
    def about(self) -> Package:
        """What its name says."""
        found = {kind: re.fullmatch(pattern, self.file) for kind, pattern in _NAMES.items()}
        return next(_package(kind, match.groupdict()) for kind, match in found.items() if match)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if not self.sha256:
            yield Fault(
                path="sha256",
                wrong=f"of {self.file} is not in {self.listed}"
                if self.listed
                else f"of {self.file} is missing",
                right="add what sha256sum prints for a copy that you trust"
                if self.listed
                else "give what sha256sum prints for a copy that you trust",
            )


def installers(listed: Path, *files: str) -> tuple[Installer, ...]:
    """
    Return a vendor's files whose hashes are not known here, pinned by a list of the operator's own
    in the form that ``sha256sum`` prints.

    .. code:: python

        installers(Path("stack.sha256"), "Ascend-cann-nnal_8.5.1_linux-aarch64.run")

    What is not in the list is a fault of the inventory that uses the file.
    """
    lines = listed.read_text().splitlines() if listed.is_file() else []
    known = {_listed_name(line): line.split()[0] for line in lines if line.strip()}
    return tuple(Installer(file=file, sha256=known.get(file, ""), listed=listed) for file in files)


def _listed_name(line: str) -> str:
    """Return the name in a line ``<sha256>  <path>``; a ``*`` marks a file read as binary."""
    return line.partition(" ")[2].lstrip(" *").rpartition("/")[2]


def _package(kind: InstallerKind, said: dict[str, str | None]) -> Package:
    python = (said.get("python") or "").replace("3.", "3").removeprefix("3")
    return Package(
        kind=kind,
        version=said["version"] or "",
        chip=said.get("chip"),
        arch=(said.get("arch") or "").replace("-", "_") or None,
        abi=int(abi) if (abi := said.get("abi")) else None,
        python=f"3.{python}" if python else None,
        torch=said.get("torch"),
    )
