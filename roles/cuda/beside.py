"""What goes with a driver: holds, daemons, the container toolkit."""

from collections.abc import Iterator
from dataclasses import replace

from roles import apt, paths, templates
from roles.cuda.seen import Seen
from roles.platform import PlatformError, Step
from roles.spec import ContainerToolkit

_PERSISTENCE = "nvidia-persistenced.service"
_FABRIC_MANAGER = "nvidia-fabricmanager.service"
_TOOLKIT = "nvidia-container-toolkit"
_CDI = "/etc/cdi/nvidia.yaml"


def held(names: tuple[str, ...], seen: Seen, *, after: list[Step]) -> Iterator[Step]:
    """
    Keep a driver at its version, and the kernel that its module was built for.

    :param after: what the plan does before it; what apt installs it holds no longer
    """
    if not seen.packaged:
        return
    kernels = {name for name in seen.packages if name.startswith(("linux-image", "linux-headers"))}
    if not seen.system["headers"]:
        # An earlier step of the same plan brings them.
        kernels.add(f"linux-headers-{seen.system['kernel']}")
    wanted = (*names, *sorted(kernels))
    installs = any(apt.installs(step) for step in after)
    if installs or not seen.held(*wanted) or "nvidia-hold" in seen.began:
        yield apt.hold("nvidia-hold", wanted)


def services(version: str, seen: Seen, *, now: bool) -> Iterator[Step]:
    """
    Have daemons up: at once where the driver is loaded, else with the next boot.

    :raises PlatformError: what keeps the driver on its devices did not come with it
    """
    if seen.loaded == version and "nvidia-persistenced" not in seen.files["tools"]:
        raise PlatformError(
            f"driver {version} is there without nvidia-persistenced; add its package to the "
            "driver's names"
        )
    # What was started without the driver has given up.
    lost = seen.loaded != version or any(one["persistence"] is False for one in seen.devices)
    enabled = seen.files["persistence"] == "enabled"
    if not enabled or (now and lost) or "nvidia-persistence" in seen.began:
        unit = templates.render("cuda/nvidia-persistenced.service.j2")
        step = _up("nvidia-persistence", _PERSISTENCE, now=now)
        yield replace(step, writes=((f"{paths.UNITS}/{_PERSISTENCE}", unit),))
    if not seen.switches:
        return
    fabric = seen.cuda.get("fabric_manager") or {"active": False, "version": None}
    right = fabric["active"] and fabric["version"] in (None, version)
    if not right or "nvidia-fabric-manager" in seen.began:
        yield _up("nvidia-fabric-manager", _FABRIC_MANAGER, now=now)


def containers(wanted: ContainerToolkit, seen: Seen, *, driver: str | None) -> Iterator[Step]:
    """
    Have the toolkit at its version, and containers given the files of the loaded driver.

    :param driver: the version that is to be loaded, if it is ours to say
    """
    name = f"{_TOOLKIT}-{wanted.version}"
    if not seen.has(_TOOLKIT, version=wanted.version) or name in seen.began:
        if not seen.packaged:
            raise PlatformError(
                f"{_TOOLKIT} {wanted.version} is installed on Debian and Ubuntu alone; install it "
                "by hand and leave containers out of the host"
            )
        pin = apt.pin(_TOOLKIT, "nvidia-container-toolkit* libnvidia-container*", wanted.version)
        yield apt.install(name, [f"{_TOOLKIT}={wanted.version}*"], pinned=(pin,))
    if not seen.loaded or seen.loaded != (driver or seen.loaded) or seen.fault:
        return
    # Containers are given files by their names, and those of libraries have the version in them.
    given = seen.files["cdi"]
    stale = given is None or any(version != seen.loaded for version in given)
    if stale or "nvidia-cdi" in seen.began:
        make = f"mkdir -p /etc/cdi && nvidia-ctk cdi generate --output={_CDI}"
        yield Step(name="nvidia-cdi", words=("sh", "-c", make), timeout_s=300)


def _up(name: str, unit: str, *, now: bool) -> Step:
    enable = f"systemctl daemon-reload && systemctl enable {unit}"
    words = ("sh", "-c", f"{enable} && systemctl restart {unit}" if now else enable)
    return Step(name=name, words=words, timeout_s=300)
