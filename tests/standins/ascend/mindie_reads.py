"""
Read a model's folder as MindIE does, by its published rules: ``python3 mindie_reads.py FOLDER``.

The server (MindIE-LLM, ``src/utils/safe_path.cpp`` with ``model_deploy_config.cpp`` and
``safe_io.cpp``) asks owner and mode of the folder, of ``config.json`` and of
``generation_config.json``; the models (``atb_llm/utils/file_utils.py``) ask owner or first group of
all that they load, and whether others may write it. Then every file is read to its end. What is
refused is printed in their words, and the program ends with 1.
"""

import os
import re
import stat
import sys
from collections.abc import Iterator
from pathlib import Path

_PATH = re.compile(r"(?!.*\.\.)[a-zA-Z0-9_./-]+")


def server(path: Path, most: int) -> str | None:
    """Return why the server refuses a path; ``None`` when it takes it."""
    path = path.resolve()
    if not path.exists():
        return f"Path not found: {path}"
    if not _PATH.fullmatch(str(path)):
        return f"Path contains special characters: {path}"
    found, user = path.lstat(), os.getuid()
    if user not in (0, found.st_uid):
        return f"path owner uid mismatch: path={path}, current_uid={user}, path_uid={found.st_uid}"
    if not os.access(path, os.R_OK):
        return f"Insufficient permissions for mode 'r' on path: {path}"
    mode = stat.S_IMODE(found.st_mode) & 0o777
    if mode & ~most and user != 0:
        return f"Path permission exceeds maximum allowed: {path}, actual=0{mode:o}, limit=0{most:o}"
    return None


def models(path: Path) -> str | None:
    """Return why the models refuse a path; ``None`` when they take it."""
    found = path.stat()
    if os.geteuid() not in (0, found.st_uid) and os.getgid() != found.st_gid:
        return f"The current user does not have permission to access the path:{path}."
    if found.st_mode & stat.S_IWOTH:
        return f"The file {path} should not be writable by others"
    try:
        if path.is_file():
            path.read_bytes()
    except OSError as error:
        return str(error)
    return None


def refusals(folder: Path) -> Iterator[str]:
    """Yield what either of them refuses."""
    told = [server(folder, 0o750), server(folder / "config.json", 0o640)]
    # Without it the server goes on, and warns.
    if (folder / "generation_config.json").exists():
        told.append(server(folder / "generation_config.json", 0o640))
    told += [models(path) for path in (folder.resolve(), *sorted(folder.resolve().rglob("*")))]
    yield from (one for one in told if one)


if __name__ == "__main__":
    said = list(refusals(Path(sys.argv[1])))
    print("\n".join(said) or "read")
    sys.exit(1 if said else 0)
