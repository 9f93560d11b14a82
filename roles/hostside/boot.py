"""The boot that a host is in, and the reboot that it needs."""

from __future__ import annotations

import subprocess

import durable
import places

# Long enough for whoever watches to hear the result, and to see that the host goes down.
_AFTER_S = 4


def boot_id() -> str:
    """Return what differs from boot to boot."""
    with open("/proc/sys/kernel/random/boot_id") as file:
        return file.read().strip()


def need(why: str) -> None:
    """Keep it on disk that this boot has to end, and why."""
    reasons = [known for known in (pending(), why) if known]
    durable.write_json(
        places.reboot(), {"boot_id": boot_id(), "why": "; ".join(dict.fromkeys(reasons))}
    )


def pending() -> str | None:
    """Return why this boot has to end, ``None`` when it need not."""
    kept = durable.read_json(places.reboot()) or {}
    return str(kept["why"]) if kept.get("boot_id") == boot_id() else None


def end() -> str:
    """Reboot in a few seconds; return what systemd says against it."""
    asked = ["systemd-run", "--quiet", "--collect", "--on-active={}s".format(_AFTER_S)]
    asked += ["--timer-property=AccuracySec=100ms", "systemctl", "reboot"]
    said = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return said.stdout.strip() if said.returncode else ""
