"""The driver itself: what it is built with, what it comes from, and how it comes to be loaded."""

from collections.abc import Iterator
from typing import assert_never

from roles import apt
from roles.cuda import beside
from roles.cuda.seen import Seen, upstream
from roles.hostside import places
from roles.platform import PlatformError, Step
from roles.spec import CudaDriver, DriverPackages, DriverRunFile

_HOUR_S = 3600
_BLACKLIST = (
    places.NOUVEAU_OFF,
    "blacklist nouveau\noptions nouveau modeset=0\n",
)
# The first whose own installer is known to replace a driver that is at work.
_REPLACES_RUNNING = 550


def steps(wanted: CudaDriver, seen: Seen) -> Iterator[Step]:
    """
    Yield what brings a driver to its version and keeps it there, up to the next reboot.

    :raises PlatformError: see ``roles.cuda.steps``
    """
    version, fabric = wanted.version, _fabric(wanted, seen)
    _refuse_other_source(wanted, seen)
    yield from _build_tools(wanted, seen)
    yield from _nouveau_off(seen)
    match wanted.source:
        case DriverPackages(names=names):
            brought = [*_packages((*names, *fabric), version, seen)]
            yield from brought
            yield from beside.held((*names, *fabric), seen, after=brought)
        case DriverRunFile() as source:
            # Its installer does not begin beside the other driver, which goes with the reboot.
            brought = [] if seen.nouveau else [*_run_file(source, version, seen)]
            brought += [] if seen.nouveau else [*_fabric_manager(fabric, version, seen)]
            yield from brought
            yield from beside.held(fabric, seen, after=brought)
        case _:
            assert_never(wanted.source)
    reboots = seen.nouveau or seen.loaded not in (None, version)
    if not seen.loaded and not reboots:
        yield Step(name="nvidia-load", words=("modprobe", "nvidia"), timeout_s=120)
    if not (seen.nouveau and isinstance(wanted.source, DriverRunFile)):
        yield from beside.services(version, seen, now=not reboots)


def _packages(names: tuple[str, ...], version: str, seen: Seen) -> Iterator[Step]:
    name = f"nvidia-driver-{version}"
    if seen.has(*names, version=version) and name not in seen.began:
        yield from _loaded(version, seen)
        return
    changes = seen.loaded not in (None, version)
    step = apt.install(
        name,
        [f"{package}={version}*" for package in names],
        pinned=(_pin(version),),
        stops=changes,
        always_reboot=changes,
    )
    if changes:
        yield apt.downloaded(step)
    yield step


def _run_file(source: DriverRunFile, version: str, seen: Seen) -> Iterator[Step]:
    name = f"nvidia-driver-{version}"
    if seen.files["library"] == version and name not in seen.began:
        yield from _loaded(version, seen)
        return
    words: tuple[str, ...] = ("sh", "{file}", "--silent", "--no-questions", "--dkms")
    if seen.loaded:
        if int(version.split(".")[0]) < _REPLACES_RUNNING:
            raise PlatformError(
                f"the installer of driver {version} does not replace a driver that is at work, "
                "and one is; run nvidia-uninstall and reboot, then run again"
            )
        words = (*words, "--allow-installation-with-running-driver")
    yield Step(
        name=name,
        words=words,
        installer=source.installer,
        stops=bool(seen.loaded),
        always_reboot=bool(seen.loaded),
        timeout_s=_HOUR_S,
    )


def _loaded(version: str, seen: Seen) -> Iterator[Step]:
    """The files are right; the module of the running kernel, and what is loaded, may not be."""
    stale = seen.loaded not in (None, version)
    module, name = seen.files["module"], f"nvidia-module-{version}"
    # One that is loaded came from somewhere, though modinfo may not be there to say from where.
    there = module == version or (module is None and seen.loaded == version)
    if not there or name in seen.began:
        yield Step(
            name=name,
            words=("dkms", "autoinstall", "-k", seen.system["kernel"]),
            stops=stale,
            always_reboot=stale,
            timeout_s=_HOUR_S,
        )
    elif stale:
        yield Step(
            name=f"nvidia-reload-{version}",
            words=("true",),
            stops=True,
            always_reboot=True,
            timeout_s=60,
        )


def _fabric(wanted: CudaDriver, seen: Seen) -> tuple[str, ...]:
    """Return the package of the fabric manager, where there is something to manage."""
    if not seen.switches:
        return ()
    if wanted.source.fabric_manager is None:
        raise PlatformError(
            "NVSwitches are plugged in, and the driver names no fabric manager; name its package, "
            f"as nvidia-fabricmanager-{wanted.version.split('.')[0]}"
        )
    return (wanted.source.fabric_manager,)


def _fabric_manager(names: tuple[str, ...], version: str, seen: Seen) -> Iterator[Step]:
    if not seen.has(*names, version=version):
        yield apt.install(
            f"nvidia-fabric-manager-{version}",
            [f"{name}={version}*" for name in names],
            pinned=(_pin(version),),
        )


def _pin(version: str) -> tuple[str, str]:
    # Every package of a driver, of which others have no such version.
    return apt.pin("nvidia-driver", "*nvidia* cuda* lib*", version)


def _refuse_other_source(wanted: CudaDriver, seen: Seen) -> None:
    """Two ways of installing one driver overwrite each other's files."""
    library = seen.files["library"]
    owners = [n for n, one in seen.packages.items() if upstream(one["version"]) == library]
    if isinstance(wanted.source, DriverPackages):
        if not seen.packaged:
            raise PlatformError(
                "packages are pinned, and they are installed on Debian and Ubuntu alone; give "
                f"NVIDIA-Linux-{seen.system['arch']}-{wanted.version}.run as a DriverRunFile"
            )
        if library and not owners and not seen.cut_short:
            raise PlatformError(
                f"driver {library} was installed by NVIDIA's own installer, and packages would "
                "overwrite its files; remove it with nvidia-uninstall and reboot, or give a "
                "DriverRunFile"
            )
    elif owners:
        raise PlatformError(
            f"driver {library} was installed from packages ({', '.join(owners)}), and NVIDIA's own "
            "installer would overwrite their files; remove them with apt-get purge "
            "--allow-change-held-packages, or give "
            "DriverPackages"
        )


def _build_tools(wanted: CudaDriver, seen: Seen) -> Iterator[Step]:
    """What it takes to build a module for the running kernel."""
    kernel = seen.system["kernel"]
    tools = [] if isinstance(wanted.source, DriverPackages) else ["dkms", "gcc", "make"]
    missing = [tool for tool in tools if tool not in seen.files["tools"]]
    if not seen.system["headers"]:
        missing.append(f"linux-headers-{kernel}")
    if not missing:
        return
    if not seen.packaged:
        raise PlatformError(
            f"{', '.join(missing)} for kernel {kernel} are not there, and packages are installed "
            "on Debian and Ubuntu alone; install them by hand, elsewhere the headers are in "
            "kernel-devel"
        )
    yield apt.install(f"build-tools-{kernel}", missing)


def _nouveau_off(seen: Seen) -> Iterator[Step]:
    """The other driver is not loaded at boot, neither from the disk nor from the initramfs."""
    name = "nouveau-off"
    if seen.files["nouveau_off"] and not seen.nouveau and name not in seen.began:
        return
    makers = {"update-initramfs": ("update-initramfs", "-u"), "dracut": ("dracut", "--force")}
    words = [words for tool, words in makers.items() if tool in seen.files["tools"]]
    yield Step(
        name=name,
        words=words[0] if words else ("true",),
        writes=(_BLACKLIST,),
        stops=seen.nouveau,
        always_reboot=seen.nouveau,
        timeout_s=_HOUR_S,
    )
