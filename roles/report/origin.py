"""What a run was made from: the commit of the code, and the inventory."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

_WITHIN_S = 10


def of(inventory: Path) -> dict[str, Any]:
    """Return the inventory by its hash, and the commit; ``None`` without git or a checkout."""
    commit = _commit()
    changed = None if commit is None else commit.endswith("-dirty")
    return {
        "inventory": str(inventory),
        "inventory_sha256": hashlib.sha256(inventory.read_bytes()).hexdigest(),
        "commit": commit and commit.removesuffix("-dirty"),
        "changed": changed,
    }


def _commit() -> str | None:
    words = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
    try:
        done = subprocess.run(  # noqa: S603
            ["git", "--no-optional-locks", *words],  # noqa: S607
            cwd=Path(__file__).parent, capture_output=True, text=True, timeout=_WITHIN_S,
        )  # fmt: skip
    except (OSError, subprocess.TimeoutExpired):
        return None
    return done.stdout.strip() if done.returncode == 0 else None
