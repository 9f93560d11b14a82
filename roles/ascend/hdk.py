"""
Driver and firmware: which comes first, over what, and how they are taken away.

The first time the driver comes first, later the firmware does. For the way back both are taken
away, and the older ones come after a reboot. Not tried on real hardware.
"""

from collections.abc import Iterator

from roles import versions
from roles.ascend import layout
from roles.ascend.seen import Seen
from roles.platform import PlatformError, Step
from roles.spec import AscendHdk, Installer, InstallerKind

_HOUR_S = 3600
# Colours may stand in the middle of the line.
_DRIVER_DONE = (r"Driver package (installed|upgraded) successfully!",)
_FIRMWARE_DONE = (r"Firmware package (installed|upgraded) successfully!",)
_UNINSTALLED = (r"package uninstalled successfully!",)
_REBOOT = (r"Reboot needed for", r"Reboot now or after driver installation")
# 2 says that a reboot is needed.
_CODES = (0, 2)
_TAKEN_AWAY = "hdk-uninstall"


def steps(wanted: AscendHdk, seen: Seen) -> Iterator[Step]:
    """
    Yield what brings driver and firmware to their versions, up to the next reboot.

    :raises PlatformError: there is no chip for them
    """
    if not seen.plugged:
        raise PlatformError("no Ascend NPU is plugged in, so no driver is put there; see lspci")
    driver, firmware = wanted.driver.about.version, wanted.firmware.about.version
    if _older(driver, seen.driver) or _older(firmware, seen.firmware) or _began(_TAKEN_AWAY, seen):
        yield from _uninstall(seen)
        return
    brought, half_there = [], _began(InstallerKind.HDK_DRIVER, seen)
    if seen.driver != driver or not seen.for_all or half_there:
        brought.append(_driver(wanted.driver, seen))
    elif seen.loaded != driver and _reloads(driver, seen):
        # No firmware is taken beside a driver that waits for its boot.
        yield _reload(driver)
        return
    if seen.firmware != firmware or _began(InstallerKind.HDK_FIRMWARE, seen):
        brought.append(_firmware(wanted.firmware, seen))
    # The firmware speaks to the chips by the driver that is there, and goes first if one is.
    speaks = seen.runs and seen.driver and not half_there
    yield from reversed(brought) if speaks else brought


def _driver(installer: Installer, seen: Seen) -> Step:
    words: tuple[str, ...] = ("bash", "{file}", "--full", "--install-for-all", "--quiet")
    # An upgrade goes on with whom the driver was for.
    if seen.driver not in (None, installer.about.version) and seen.for_all:
        words = ("bash", "{file}", "--upgrade", "--quiet")
    return _step(installer, words, _DRIVER_DONE, stops=seen.runs)


def _firmware(installer: Installer, seen: Seen) -> Step:
    known = seen.firmware not in (None, installer.about.version)
    words = ("bash", "{file}", "--upgrade" if known else "--full", "--quiet")
    return _step(installer, words, _FIRMWARE_DONE, stops=seen.runs)


def _step(
    installer: Installer, words: tuple[str, ...], success: tuple[str, ...], *, stops: bool
) -> Step:
    return Step(
        name=f"{installer.about.kind}-{installer.about.version}",
        words=words,
        installer=installer,
        success=success,
        codes=_CODES,
        reboot=_REBOOT,
        # What is loaded goes with a boot alone; a first driver says whether it takes one.
        always_reboot=stops,
        stops=stops,
        timeout_s=_HOUR_S,
    )


def _uninstall(seen: Seen) -> Iterator[Step]:
    """Take both away, in whatever order; what is gone already is no fault."""
    for part, words in (("firmware", ""), ("driver", " --force")):
        yield Step(
            name=f"{_TAKEN_AWAY}-{part}",
            words=(
                *("bash", "-c", f'[ ! -f "$0" ] || exec bash "$0"{words}'),
                f"{layout.HOME}/{part}/script/uninstall.sh",
            ),
            # Nothing is said when it is gone.
            success=(*_UNINSTALLED, r"\A\Z"),
            codes=_CODES,
            reboot=_REBOOT,
            always_reboot=part == "driver",
            stops=seen.runs,
            timeout_s=_HOUR_S,
        )


def _reload(driver: str) -> Step:
    """Only a boot loads what is on disk."""
    return Step(
        name=f"hdk-reload-{driver}", words=("true",), stops=True, always_reboot=True, timeout_s=60
    )


def _reloads(driver: str, seen: Seen) -> bool:
    """Say whether a boot may help; of one that did not, another is no different."""
    return _reload(driver).name not in seen.reboot.get("why", "")


def _older(wanted: str, there: str | None) -> bool:
    return there is not None and versions.older(wanted, there)


def _began(name: str, seen: Seen) -> bool:
    """Say whether a step was cut short, of whatever version: another may be wanted by now."""
    return any(began.startswith(f"{name}-") for began in seen.began)
