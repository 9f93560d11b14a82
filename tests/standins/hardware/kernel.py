"""
Packages of what it takes to build a module: the running kernel's headers, a compiler and DKMS.

They stand in for Debian 12's, whose versions they exceed by a hair. The compiler compiles nothing;
DKMS, whose words are those of 3.0.10, makes a module's file out of the ``dkms.conf`` that came
with it. Without headers it skips the build and says so, and the installation of a package goes on
as if nothing was missing, which is what the real one does; headers that are installed later have
everything built that was skipped.

``/etc/standin`` on a host makes trouble: ``build-seconds`` is how long a build takes, of which
``build-began`` tells, and while ``build-fails`` is there every build fails.
"""

from tests.standins.hardware.deb import Content, Link, Package
from tests.standins.hardware.plug import FILES, KERNEL

_HOOKS = "/etc/kernel/header_postinst.d"
_NO_COMPILER = '#!/bin/sh\necho "$0: the stand-in compiles nothing" >&2\nexit 1\n'


def packages() -> list[Package]:
    """Return them all."""
    tree = f"/usr/src/linux-headers-{KERNEL}"
    headers: dict[str, Content] = {
        f"{tree}/include/linux/kernel.h": "/* stand-in */\n",
        f"{tree}/include/generated/uapi/linux/version.h": "/* stand-in */\n",
        f"/lib/modules/{KERNEL}/build": Link(tree),
    }
    build_others = f"#!/bin/sh\n[ ! -d {_HOOKS} ] || run-parts --arg={KERNEL} {_HOOKS}\n"
    dkms: dict[str, Content] = {
        "/usr/sbin/dkms": _text("dkms"),
        "/usr/lib/dkms/common.postinst": _text("dkms-postinst"),
        f"{_HOOKS}/dkms": '#!/bin/sh\nexec /usr/sbin/dkms autoinstall -k "$1"\n',
    }
    compiler: dict[str, Content] = {
        "/usr/bin/gcc": _NO_COMPILER,
        "/usr/bin/cc": Link("gcc"),
        "/usr/bin/ld": _NO_COMPILER,
    }
    return [
        Package(
            name=f"linux-headers-{KERNEL}",
            version="1:1+standin",
            files=headers,
            scripts={"postinst": build_others},
        ),
        Package(name="gcc", version="4:12.2.0-3+standin", files=compiler),
        Package(name="make", version="4.3-4.1+standin", files={"/usr/bin/make": _NO_COMPILER}),
        Package(
            name="dkms",
            version="3.0.10-8+deb12u1+standin",
            files=dkms,
            relations={"Depends": "gcc, make"},
        ),
    ]


def _text(name: str) -> str:
    return (FILES / name).read_text()
