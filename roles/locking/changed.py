"""What two locks differ in, as a person reads it."""

import re

_LOCKED = re.compile(
    r"^([a-z0-9][a-z0-9._-]*)==(\S+)((?: \\\n +--hash=sha256:[0-9a-f]{64})+)", re.M
)


def changes(before: str, after: str) -> list[str]:
    """Return a line for each package that came, went, or has another version or other files."""
    old, new = _packages(before), _packages(after)
    told = []
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            told.append(f"{name}: none → {new[name][0]}")
        elif name not in new:
            told.append(f"{name}: {old[name][0]} → none")
        elif old[name][0] != new[name][0]:
            told.append(f"{name}: {old[name][0]} → {new[name][0]}")
        elif old[name] != new[name]:
            told.append(f"{name}: {new[name][0]} has other files")
    return told


def _packages(lock: str) -> dict[str, tuple[str, frozenset[str]]]:
    return {
        name: (version, frozenset(re.findall(r"[0-9a-f]{64}", hashes)))
        for name, version, hashes in _LOCKED.findall(lock)
    }
