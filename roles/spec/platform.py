"""What lies between a host's OS and its stacks: a vendor's driver, and what comes with it."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from roles.spec.base import Fault, OsPackage, Spec, spelled
from roles.spec.installer import Installer, InstallerKind
from roles.spec.stack import Accelerator

_Version = Annotated[str, spelled(r"\d+(\.\d+)+", "should be a version, as in 580.95.05")]


class DriverPackages(Spec):
    """
    A driver from the distribution's packages, or from a vendor's repository that the host knows.

    :param names: packages that together are the driver; each is installed at the driver's version
    :param fabric_manager: the package of the fabric manager, for hosts with NVSwitches
    """

    kind: Literal["packages"] = "packages"
    names: tuple[OsPackage, ...] = Field(min_length=1)
    fabric_manager: OsPackage | None = None


class DriverRunFile(Spec):
    """
    A driver from the vendor's own file, for hosts without a repository.

    :param installer: ``NVIDIA-Linux-x86_64-<version>.run``
    :param fabric_manager: the package of the fabric manager, for hosts with NVSwitches
    """

    kind: Literal["run file"] = "run file"
    installer: Installer
    fabric_manager: OsPackage | None = None

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        yield from _of_kind(self.installer, InstallerKind.NVIDIA_DRIVER, "installer")


class CudaDriver(Spec):
    """
    NVIDIA's driver at one version, held there.

    :param version: of the driver, with all its numbers
    :param source: where it comes from
    """

    kind: Literal["cuda"] = "cuda"
    version: _Version
    source: DriverPackages | DriverRunFile

    @property
    def installers(self) -> tuple[Installer, ...]:
        """Files that it needs."""
        return () if isinstance(self.source, DriverPackages) else (self.source.installer,)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        for installer in self.installers:
            if installer.about.version != self.version:
                yield Fault(
                    path="version",
                    wrong=f"is {self.version} while {installer.file} brings another",
                    right=f"should be {installer.about.version}",
                )


class AscendHdk(Spec):
    """
    Huawei's driver and firmware, which go together.

    :param driver: ``Ascend-hdk-<chip>-npu-driver_<version>_linux-<arch>.run``
    :param firmware: ``Ascend-hdk-<chip>-npu-firmware_<version>.run``
    """

    kind: Literal["ascend"] = "ascend"
    driver: Installer
    firmware: Installer

    @property
    def version(self) -> str:
        """Of the driver."""
        return self.driver.about.version

    @property
    def installers(self) -> tuple[Installer, ...]:
        """Files that it needs."""
        return self.driver, self.firmware

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        wrong_kind = [
            *_of_kind(self.driver, InstallerKind.HDK_DRIVER, "driver"),
            *_of_kind(self.firmware, InstallerKind.HDK_FIRMWARE, "firmware"),
        ]
        yield from wrong_kind
        if not wrong_kind and self.driver.about.chip != self.firmware.about.chip:
            yield Fault(
                path="firmware",
                wrong=f"is for {self.firmware.about.chip}, the driver for {self.driver.about.chip}",
                right="take both from one HDK",
            )


Driver = CudaDriver | AscendHdk


class ContainerToolkit(Spec):
    """NVIDIA's container toolkit, by which containers see GPUs (CDI)."""

    version: _Version


def accelerator_of(driver: Driver) -> Accelerator:
    """Return what a driver drives."""
    return Accelerator.CUDA if isinstance(driver, CudaDriver) else Accelerator.ASCEND


def _of_kind(installer: Installer, kind: InstallerKind, path: str) -> Iterator[Fault]:
    if installer.about.kind is not kind:
        wrong = f"{installer.file} is {installer.about.kind}"
        yield Fault(path=path, wrong=wrong, right=f"name an installer of {kind}")
