"""
Driver and firmware: which comes first, over what, and how they are taken away.

The first time the driver comes first, later the firmware does. There is no way back in place: both
are taken away, and the older ones come after a reboot. Not tried on hardware.
"""

from collections.abc import Iterator

from roles import versions
from roles.ascend.seen import Seen
from roles.platform import Step
from roles.spec import AscendHdk, Installer

_HOUR_S = 3600
_HOME = "/usr/local/Ascend"
# Colours may stand in the middle of the line.
_DRIVER_DONE = (r"Driver package (installed|upgraded) successfully!",)
_FIRMWARE_DONE = (r"Firmware package (installed|upgraded) successfully!",)
_UNINSTALLED = (r"package uninstalled successfully!",)
_REBOOT = (r"Reboot needed for", r"Reboot now or after driver installation")
# 2 says that a reboot is needed.
_CODES = (0, 2)
_TAKEN_AWAY = "hdk-uninstall"


def steps(wanted: AscendHdk, seen: Seen) -> Iterator[Step]:
    """Yield what brings driver and firmware to their versions, up to the next reboot."""
    driver, firmware = wanted.driver.about.version, wanted.firmware.about.version
    if _older(driver, seen.driver) or _older(firmware, seen.firmware) or _half_gone(seen):
        yield from _uninstall(seen)
        return
    wants_driver = seen.driver != driver or _began(wanted.driver, seen)
    wants_firmware = seen.firmware != firmware or _began(wanted.firmware, seen)
    brought = []
    if wants_driver:
        brought.append(_driver(wanted.driver, seen))
    if wants_firmware:
        brought.append(_firmware(wanted.firmware, seen))
    # Beside a driver that is in the kernel, the firmware goes first.
    yield from reversed(brought) if seen.runs else brought
    if not brought and seen.loaded != driver:
        # What is on disk is right, what runs is not: only a boot changes that.
        yield Step(
            name=f"hdk-reload-{driver}",
            words=("true",),
            stops=True,
            always_reboot=True,
            timeout_s=60,
        )


def _driver(installer: Installer, seen: Seen) -> Step:
    words: tuple[str, ...] = ("bash", "{file}", "--full", "--install-for-all", "--quiet")
    if seen.driver not in (None, installer.about.version):
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
        name=_name(installer),
        words=words,
        installer=installer,
        success=success,
        codes=_CODES,
        reboot=_REBOOT,
        stops=stops,
        timeout_s=_HOUR_S,
    )


def _uninstall(seen: Seen) -> Iterator[Step]:
    """Take both away, the firmware first; what is gone already is no fault."""
    scripts = (("firmware", ()), ("driver", ("--force",)))
    for part, words in scripts:
        script = f"{_HOME}/{part}/script/uninstall.sh"
        run = f'[ ! -f "$0" ] || exec bash "$0" {" ".join(words)}'.rstrip()
        yield Step(
            name=f"{_TAKEN_AWAY}-{part}",
            words=("bash", "-c", run, script),
            # Nothing is said when it is gone.
            success=(*_UNINSTALLED, r"\A\Z"),
            codes=_CODES,
            reboot=_REBOOT,
            always_reboot=part == "driver",
            stops=seen.runs,
            timeout_s=_HOUR_S,
        )


def _half_gone(seen: Seen) -> bool:
    return any(name.startswith(_TAKEN_AWAY) for name in seen.began)


def _older(wanted: str, there: str | None) -> bool:
    return there is not None and versions.older(wanted, there)


def _began(installer: Installer, seen: Seen) -> bool:
    return _name(installer) in seen.began


def _name(installer: Installer) -> str:
    return f"{installer.about.kind}-{installer.about.version}"
