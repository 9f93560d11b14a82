"""Where the server lies, what it was built as, and the environment without which it cannot load."""

from __future__ import annotations

import json
import os
import sys
from importlib import resources
from pathlib import Path
from typing import Any

ABOUT: dict[str, Any] = json.loads(
    resources.files(__package__).joinpath("about.json").read_text(encoding="utf-8")
)
"""``version``, and ``config`` as that version ships it."""

OWN = Path(sys.argv[0]).resolve().parent.parent
_LOADER = (
    "{program}: error while loading shared libraries: {library}: "
    "cannot open shared object file: No such file or directory"
)


def home() -> Path:
    """The folder that relative paths begin at, after ``GetHomePath`` of ``common_util.cpp``."""
    llm = os.environ.get("MINDIE_LLM_HOME_PATH")
    if llm and Path(llm, "__init__.py").exists():
        return Path(llm).resolve()
    service = os.environ.get("MIES_INSTALL_PATH")
    return Path(service).resolve() if service else OWN


def missing_library() -> str | None:
    """
    What the system's loader says of a program whose libraries are not on its path.

    Boost is what the vendor's FAQ names; CANN's is ours, as the order is.
    """
    for library, folder in (
        ("libboost_thread.so.1.82.0", OWN / "lib"),
        ("libascendcl.so", _under("ASCEND_HOME_PATH")),
    ):
        if not folder or not on_library_path(folder):
            return _LOADER.format(program=sys.argv[0], library=library)
    return None


def _under(variable: str) -> Path | None:
    value = os.environ.get(variable)
    return Path(value) if value else None


def on_library_path(folder: Path) -> bool:
    """Whether the loader looks into a folder, or into one within it."""
    parts = [part for part in os.environ.get("LD_LIBRARY_PATH", "").split(":") if part]
    wanted = str(folder.resolve())
    return any(f"{Path(part).resolve()}/".startswith(f"{wanted}/") for part in parts)
