"""
Print the manifest of a folder: ``python -m roles.weights.manifest DIR > NAME.sha256``.

A line ``<sha256>  <size in bytes>  <path>`` for every file, in the order of their paths. Hidden
files are the hub clients' own and do not count.
"""

import hashlib
import sys
from pathlib import Path


def lines(folder: Path) -> list[str]:
    """Return the manifest of a folder."""
    found = []
    for path in sorted(path for path in folder.rglob("*") if path.is_file()):
        relative = path.relative_to(folder)
        if any(part.startswith(".") for part in relative.parts):
            continue
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        found.append(f"{digest}  {path.stat().st_size}  {relative.as_posix()}")
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2 or not Path(sys.argv[1]).is_dir():
        sys.exit("usage: python -m roles.weights.manifest DIR")
    print("\n".join(lines(Path(sys.argv[1]))))
