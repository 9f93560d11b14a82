"""What the vendor's installers look for before they begin: tools, kernel headers, a user."""

from collections.abc import Iterator

from roles import apt
from roles.ascend.seen import Seen
from roles.platform import PlatformError, Step

_HALF_AN_HOUR_S = 1800
_DEBIAN = ("debian", "ubuntu")
# Those of the vendor's list whose packages are named as Red Hat names them.
_RED_HAT = ("openeuler", "kylin", "centos", "ctyunos", "culinux", "bclinux")
# What each tool is called as a package: with Debian, and with the others.
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
_NEEDS = "ascend-needs"


def steps(seen: Seen, *, builds: bool) -> Iterator[Step]:
    """
    Yield what has to be there first.

    :param builds: for the driver, which builds a kernel module; else for CANN
    :raises PlatformError: something is missing, and how packages are installed is not known
    """
    missing = [tool for tool in (_BUILD if builds else _INSTALL) if tool not in seen.files["tools"]]
    headers = builds and not seen.system["headers"]
    if missing or headers or _NEEDS in seen.began:
        yield from _packages(missing, headers=headers, seen=seen)
    if not seen.files["user"]:
        add = f"getent group {_USER} || groupadd {_USER}; "
        add += f"useradd -g {_USER} -d /home/{_USER} -m {_USER} -s /bin/bash"
        yield Step(name="ascend-user", words=("sh", "-c", add), timeout_s=60)


def _packages(missing: list[str], *, headers: bool, seen: Seen) -> Iterator[Step]:
    kernel, system = seen.system["kernel"], seen.system["os"]["id"].lower()
    names = [_PACKAGES[tool][0 if system in _DEBIAN else 1] for tool in missing]
    if system in _DEBIAN:
        names += [f"linux-headers-{kernel}"] if headers else []
        wanted = [apt.install(_NEEDS, names)] if names else []
        yield from apt.repairs(wanted) if _NEEDS in seen.began else ()
        yield from apt.updated(wanted)
        return
    names += [f"kernel-headers-{kernel}", f"kernel-devel-{kernel}"] if headers else []
    manager = next((tool for tool in ("dnf", "yum") if tool in seen.files["tools"]), None)
    if system not in _RED_HAT or manager is None:
        raise PlatformError(
            f"{', '.join(names)} are missing, and how {seen.system['os']['id']} installs packages "
            "is not known; install them by hand, nothing was changed"
        )
    if names:
        words = (manager, "install", "-y", *names)
        yield Step(name=_NEEDS, words=words, timeout_s=_HALF_AN_HOUR_S)
