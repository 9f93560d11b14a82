"""Delete what a lab leaves, though something that has just ended may have been at work in it."""

import shutil
from pathlib import Path

from roles.lab.command import LabError, wait


def delete(path: Path, *, within_s: float = 60) -> None:
    """Leave nothing at ``path``, be it a file, a folder or not there."""
    why: list[OSError] = []

    def deleted() -> bool:
        try:
            if path.is_dir():
                shutil.rmtree(path)
            else:
                path.unlink(missing_ok=True)
        except OSError as error:
            why.append(error)
        return not path.exists()

    if not wait(deleted, within_s=within_s, every_s=0.2):
        raise LabError(f"{path}: cannot be deleted, {why[-1]}")
