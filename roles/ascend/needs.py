"""What the vendor's installers look for before they begin: tools, kernel headers, a user."""

from collections.abc import Iterator

from roles.ascend.seen import Seen
from roles.platform import PlatformError, Step

_HALF_AN_HOUR_S = 1800
_DEBIAN = ("debian", "ubuntu")
# What each tool is called as a package: with Debian, and with those that come from Red Hat.
_PACKAGES = {
    "gcc": ("gcc", "gcc"),
    "make": ("make", "make"),
    "dkms": ("dkms", "dkms"),
    "lspci": ("pciutils", "pciutils"),
    "ifconfig": ("net-tools", "net-tools"),
    "pip3": ("python3-pip", "python3-pip"),
}
_BUILD, _INSTALL = ("gcc", "make", "dkms", "lspci", "ifconfig"), ("pip3",)
_USER = "HwHiAiUser"


def steps(seen: Seen, *, builds: bool) -> Iterator[Step]:
    """
    Yield what has to be there first.

    :param builds: for the driver, which builds a kernel module; else for CANN
    :raises PlatformError: something is missing, and how packages are installed is not known
    """
    missing = [tool for tool in (_BUILD if builds else _INSTALL) if tool not in seen.files["tools"]]
    headers = builds and not seen.system["headers"]
    if missing or headers or "ascend-needs" in seen.began:
        yield from _packages(missing or [*_INSTALL], headers=headers, seen=seen)
    if builds and not seen.files["user"]:
        add = f"getent group {_USER} || groupadd {_USER}; "
        add += f"useradd -g {_USER} -d /home/{_USER} -m {_USER} -s /bin/bash"
        yield Step(name="ascend-user", words=("sh", "-c", add), timeout_s=60)


def _packages(missing: list[str], *, headers: bool, seen: Seen) -> Iterator[Step]:
    kernel = seen.system["kernel"]
    debian = seen.system["os"]["id"] in _DEBIAN
    names = [_PACKAGES[tool][0 if debian else 1] for tool in missing]
    if headers and debian:
        names.append(f"linux-headers-{kernel}")
    elif headers:
        names += [f"kernel-headers-{kernel}", f"kernel-devel-{kernel}"]
    if debian:
        yield Step(
            name="apt-update",
            words=("apt-get", "update", "-o", "DPkg::Lock::Timeout=600"),
            environment=(("DEBIAN_FRONTEND", "noninteractive"),),
            timeout_s=600,
        )
        yield Step(
            name="ascend-needs",
            words=(
                *("apt-get", "install", "-y", "--no-install-recommends"),
                *("-o", "DPkg::Lock::Timeout=600", *names),
            ),
            environment=(("DEBIAN_FRONTEND", "noninteractive"),),
            timeout_s=_HALF_AN_HOUR_S,
        )
        return
    manager = next((tool for tool in ("dnf", "yum") if tool in seen.files["tools"]), None)
    if manager is None:
        raise PlatformError(
            f"{', '.join(names)} are missing, and neither apt-get, dnf nor yum is there to "
            "install them with; install them by hand"
        )
    yield Step(
        name="ascend-needs", words=(manager, "install", "-y", *names), timeout_s=_HALF_AN_HOUR_S
    )
