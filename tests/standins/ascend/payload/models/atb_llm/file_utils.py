"""What the models ask of a file before they read it, after ``atb_llm/utils/file_utils.py``."""

import os
import re
import stat
from pathlib import Path


def standardize_path(path: str) -> str:
    """Return the real path of a path without special characters."""
    path = str(Path(path).resolve())
    if re.search(r"[^0-9a-zA-Z_./-]", path):
        raise ValueError("The file path should not contain special characters.")
    return path


def check_path_permission(path: str) -> None:
    """Refuse what is another's, and what others may write."""
    if os.getenv("MINDIE_CHECK_INPUTFILES_PERMISSION", "1") == "0":
        return
    found = Path(path).stat()
    if os.geteuid() not in (0, found.st_uid) and os.getgid() != found.st_gid:
        raise PermissionError(
            f"The current user does not have permission to access the path:{path}. Because he is "
            "not root or the path owner, and not in the same user group with the path owner. "
            "Please check and make sure to satisfy at least one of the conditions above."
        )
    mode = stat.S_IMODE(found.st_mode) & 0o777
    if mode & stat.S_IWOTH:
        raise PermissionError(
            f"The file {path} should not be writable by others who are neither the owner nor in "
            f"the group. Current permission: {oct(mode)}. Permission after removal: "
            f"{oct(mode & ~stat.S_IWOTH)}."
        )
