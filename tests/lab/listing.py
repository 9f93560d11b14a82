"""Everything on a host's disk, to be held against what was there before."""

import hashlib
import os
import re
import stat
from pathlib import Path

from roles.lab import LabHost

Listing = dict[str, tuple[object, ...]]

# What a host writes by itself, and what the distribution's own tools keep for themselves.
_THEIRS = re.compile(
    "|".join(
        [
            "/(dev|proc|run|sys|tmp)(/.*)?",
            # Of journald, of logins, of packages installed.
            "/var/log/(journal|apt)(/.*)?|/var/log/(wtmp|btmp|lastlog|dpkg.log|alternatives.log)",
            # Lists of packages, packages, which are installed.
            "/var/(lib|cache)/apt(/.*)?|/var/lib/dpkg(/.*)?|/var/cache/debconf(/.*)?",
            # Seeds and stamps of systemd's.
            "/var/lib/systemd/(random-seed|timers(/.*)?|timesync(/.*)?)|/var/tmp(/.*)?",
            # Users as they were one change ago, and the lock that is taken to change them.
            "/etc/(passwd|shadow|group|gshadow)-|/etc/[.]pwd[.]lock",
            # Each folder's own time and size say nothing; of the linker and of fonts.
            "/etc/ld[.]so[.]cache|/var/cache/ldconfig(/.*)?",
        ]
    )
)


def of(host: LabHost) -> Listing:
    """Return kind, mode, owner and content of everything, by path."""
    root, found = host.disk.root, {}
    for folder, below, files in os.walk(root):
        for name in [*below, *files]:
            path = Path(folder, name)
            there = f"/{path.relative_to(root)}"
            if not _THEIRS.fullmatch(there):
                found[there] = _seen(path)
    return found


def changed(before: Listing, after: Listing) -> list[str]:
    """Return what came, went or is another now."""
    return sorted(
        path for path in before.keys() | after.keys() if before.get(path) != after.get(path)
    )


def _seen(path: Path) -> tuple[object, ...]:
    found = path.lstat()
    owned = (stat.filemode(found.st_mode), found.st_uid, found.st_gid)
    if stat.S_ISLNK(found.st_mode):
        return (*owned, str(path.readlink()))
    if stat.S_ISREG(found.st_mode):
        return (*owned, found.st_size, hashlib.sha256(path.read_bytes()).hexdigest())
    return owned
