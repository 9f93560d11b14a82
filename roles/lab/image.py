"""The disk every lab host starts from: made once from a recipe, and named by its digest."""

import json
from collections.abc import Iterable
from hashlib import sha256
from pathlib import Path

from roles.lab import places, sources
from roles.lab.command import LabError, run
from roles.lab.deletion import delete
from roles.lab.lock import alone

PACKAGES = (
    "ca-certificates",
    "curl",
    "dbus",
    "iproute2",
    "libpam-systemd",
    "openssh-server",
    "procps",
    "python3",
    "python3-venv",
    "rsync",
    "sudo",
    "systemd",
    "systemd-sysv",
)

_SSHD = """\
LogLevel VERBOSE
MaxSessions 100
MaxStartups 300:30:600
PasswordAuthentication no
UseDNS no
"""

# Docker, where one installs it, makes control groups and changes settings of its network, and
# systemd-nspawn shows both read-only.
_DOCKER = """\
[Service]
ExecStartPre=-/bin/sh -c 'for shown in /proc/sys /sys/fs/cgroup/*; do \
mount -o remount,bind,rw,nosuid,nodev,noexec $$shown 2>/dev/null; done'
"""

FILES = {
    # Nobody reads descriptions of packages here, in any language.
    "etc/apt/apt.conf.d/40lab": 'Acquire::Languages "none";\n',
    "etc/fstab": "",
    "etc/systemd/system/docker.service.d/lab.conf": _DOCKER,
    # Filled at the first boot, each host's with its own.
    "etc/machine-id": "",
    "etc/ssh/sshd_config.d/lab.conf": _SSHD,
}
# A folder for the journal makes it outlive a crash.
FOLDERS = ("var/log/journal",)
# Timers that would fetch and install on their own while something is measured.
MASKED = ("apt-daily.timer", "apt-daily-upgrade.timer")
EXCLUDED = ("/usr/share/doc/*", "/usr/share/man/*", "/usr/share/locale/*")


def wanted() -> list[sources.Source]:
    return sources.of_release(sources.read(), sources.codename())


def name(chosen: Iterable[sources.Source]) -> str:
    recipe = [[s.line() for s in chosen], PACKAGES, FILES, FOLDERS, MASKED, EXCLUDED]
    return sha256(json.dumps(recipe).encode()).hexdigest()[:16]


def is_built() -> bool:
    try:
        return path(name(wanted())).is_dir()
    except LabError:
        # What is wrong is for the one who builds to say.
        return False


def path(image: str) -> Path:
    return places.IMAGES / image


def build() -> str:
    """Leave the image of this machine's sources on disk and return its name."""
    chosen = wanted()
    made = path(name(chosen))
    with alone(places.IMAGES):
        if not made.is_dir():
            _build(chosen, made)
    return made.name


def unused(used: Iterable[str]) -> list[Path]:
    """List what no lab lies on: other images than ``used``, or the whole cache if that is empty."""
    kept = set(used)
    if not kept:
        return [places.CACHE] if places.CACHE.is_dir() else []
    return [path for path in sorted(places.IMAGES.glob("*")) if path.stem not in kept]


def remove_unused(used: Iterable[str]) -> list[str]:
    """Delete what no lab lies on."""
    removed = unused(used)
    for folder in removed:
        delete(folder)
    return [f"{path} is gone" for path in removed]


def _build(chosen: list[sources.Source], made: Path) -> None:
    # Only a finished image has its name.
    unfinished = made.with_suffix(".unfinished")
    delete(unfinished)
    run(
        "mmdebstrap",
        "--variant=minbase",
        f"--include={','.join(PACKAGES)}",
        *[f"--dpkgopt=path-exclude={pattern}" for pattern in EXCLUDED],
        chosen[0].suite,
        unfinished,
        *[source.line() for source in chosen],
        timeout_s=900,
        log=made.with_suffix(".log"),
    )
    _settle(unfinished)
    unfinished.rename(made)


def _settle(root: Path) -> None:
    for key in (root / "etc/ssh").glob("ssh_host_*"):
        key.unlink()
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True, exist_ok=True)
    for file, text in FILES.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text)
    for unit in MASKED:
        (root / "etc/systemd/system" / unit).symlink_to("/dev/null")
