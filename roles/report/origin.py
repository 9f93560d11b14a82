"""What a run was made from: the commit of the code, and the inventory."""

import contextlib
import hashlib
import subprocess
from pathlib import Path
from typing import Any

_WITHIN_S = 10


class Origin:
    """
    Where a run comes from. git is asked at once, and heard when the answer is wanted: what it takes
    is over by then.
    """

    def __init__(self, inventory: Path) -> None:
        self.inventory = inventory
        self.asked: subprocess.Popen[str] | None = None
        words = ["describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"]
        with contextlib.suppress(OSError):
            self.asked = subprocess.Popen(  # noqa: S603
                ["git", "--no-optional-locks", *words],  # noqa: S607
                cwd=Path(__file__).parent, text=True,
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            )  # fmt: skip

    def told(self) -> dict[str, Any]:
        """Return the inventory by its hash, and the commit; ``None`` without git or a checkout."""
        commit = self._commit()
        changed = None if commit is None else commit.endswith("-dirty")
        return {
            "inventory": str(self.inventory),
            "inventory_sha256": hashlib.sha256(self.inventory.read_bytes()).hexdigest(),
            "commit": commit and commit.removesuffix("-dirty"),
            "changed": changed,
        }

    def _commit(self) -> str | None:
        if self.asked is None:
            return None
        try:
            said, _ = self.asked.communicate(timeout=_WITHIN_S)
        except subprocess.TimeoutExpired:
            self.asked.kill()
            return None
        return said.strip() if self.asked.returncode == 0 else None
