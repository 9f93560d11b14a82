"""
Makes a lab host look as if cards were plugged in.

A unit early at every boot puts the cards on a PCI bus of the host's own, with no module in the
kernel, and then runs hooks: it is for the vendors' stand-ins to say there what a module does.
What is loaded is in memory alone, so that only a reboot begins anew.

A vendor's folder of hooks, all of them for ``sh``, holds

- ``boot.d/NN-name.sh``: run at boot in the order of their names; what the kernel, udev and early
  services would do about the cards;
- ``module.d/<module>.sh``: run by ``modprobe`` and ``rmmod`` with ``load FILE``, ``busy`` or
  ``unload``; exit code 0 is yes, and ``load`` says no where the real module finds no device. A
  module without one just loads;
- anything else that these need, below a folder named after the vendor.

They source ``/usr/lib/standin/hardware.sh``, whose functions say what they do. The file of a
module, ``<module>.ko`` somewhere below ``/lib/modules/$(uname -r)``, has lines as
``version=580.95.05``. There, ``build`` is there only once the headers' package is installed.

``/sys/module`` tells what is loaded. ``/proc/modules`` does so too where the machine's kernel has
one: a kernel that was built without modules has none, and none can be put there. The kernel's log
is what ``dmesg`` says; the journal does not have it.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote

from roles.lab import LabHost
from roles.lab.command import wait

FILES = Path(__file__).parent / "files"
KERNEL = os.uname().release
_UNIT = "standin-hardware.service"
_COMMANDS = ("modprobe", "rmmod", "lsmod", "modinfo")


@dataclass(frozen=True, kw_only=True)
class Card:
    """
    What sits in one slot.

    :param slot: as in ``0000:01:00.0``
    :param kind: PCI class, ``0x030200`` for what computes as a 3D controller
    :param numa: the node it is near, -1 where the firmware does not say
    """

    slot: str
    vendor: str
    device: str
    kind: str
    subvendor: str
    subdevice: str
    numa: int = 0


def hook(host: LabHost, folder: Path) -> None:
    """Give a host a vendor's hooks; they run from its next boot on, or once it is plugged."""
    shutil.copytree(folder, _on(host, "usr/lib/standin"), dirs_exist_ok=True)


def plug(host: LabHost, cards: Sequence[Card]) -> None:
    """Have these cards in a running host, and no others, as after a boot."""
    done = host.run(f"! systemctl is-active --quiet {_UNIT} || systemctl stop {_UNIT}")
    assert done.returncode == 0, done.stderr
    for name in ("boot", "hardware.sh"):
        _put(host, f"usr/lib/standin/{name}", (FILES / name).read_text())
    lines = [
        f"{c.slot} {c.vendor} {c.kind} {c.device} {c.subvendor} {c.subdevice} {c.numa}\n"
        for c in cards
    ]
    _put(host, "usr/lib/standin/cards", "".join(lines))
    _put(host, f"etc/systemd/system/{_UNIT}", (FILES / _UNIT).read_text())
    # What comes with the kernel itself, of which a container has none.
    _put(host, f"lib/modules/{KERNEL}/modules.builtin", "")
    _put(host, f"lib/modules/{KERNEL}/kernel/drivers/gpu/drm/nouveau/nouveau.ko", "license=GPL\n")
    _put(host, "usr/local/bin/dmesg", (FILES / "dmesg").read_text())
    if not os.path.lexists(_on(host, "usr/bin/kmod")):
        _put(host, "usr/bin/kmod", (FILES / "kmod").read_text())
        for name in _COMMANDS:
            _on(host, f"usr/sbin/{name}").symlink_to("/usr/bin/kmod")
    done = host.run(f"systemctl daemon-reload && systemctl enable --now {_UNIT}")
    assert done.returncode == 0, done.stderr + host.run(f"journalctl -u {_UNIT}").stdout


def kernel_says(host: LabHost, line: str) -> None:
    """Have the kernel of a host have logged a line, now."""
    done = host.run(f". /usr/lib/standin/hardware.sh; kernel_says {quote(line)}")
    assert done.returncode == 0, done.stderr


def reboot(host: LabHost) -> None:
    """Have a host boot anew, and wait until it is up."""
    before = _boot(host)
    host.run("systemctl reboot")
    assert wait(lambda: host.answers() and _boot(host) not in ("", before), within_s=60)
    host.wait_ready()


def _boot(host: LabHost) -> str:
    return host.run("cat /proc/sys/kernel/random/boot_id").stdout.strip()


def _put(host: LabHost, path: str, text: str) -> None:
    target = _on(host, path)
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text)
    target.chmod(0o755 if text.startswith("#!") else 0o644)


def _on(host: LabHost, path: str) -> Path:
    return Path(host.disk.root) / path
