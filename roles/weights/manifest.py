"""
Print the manifest of a folder: ``python -m roles.weights.manifest DIR > NAME.sha256``.

A line ``<sha256>  <size in bytes>  <path>`` for every file, in the order of their paths. Hidden
files are the hub clients' own and do not count. Of a store of Ollama's, which holds many models,
``python -m roles.weights.manifest STORE MODEL`` lists the files of one.
"""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from roles.weights import store


def lines(folder: Path, paths: Iterable[str] | None = None) -> list[str]:
    """Return the manifest of a folder, or of some of its files."""
    found = []
    for relative in sorted(map(Path, _all(folder) if paths is None else paths)):
        with (folder / relative).open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size = (folder / relative).stat().st_size
        found.append(f"{digest}  {size}  {relative.as_posix()}")
    return found


def _all(folder: Path) -> Iterable[str]:
    relative = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return [str(path) for path in relative if not any(part.startswith(".") for part in path.parts)]


def main(words: list[str]) -> str:
    """
    Return what is printed.

    :raises SystemExit: there is no such folder, or no such model in it
    """
    folder, *models = words or [""]
    if not Path(folder).is_dir() or len(models) > 1:
        raise SystemExit("usage: python -m roles.weights.manifest DIR [MODEL]")
    if not models:
        return "\n".join(lines(Path(folder)))
    try:
        return "\n".join(lines(Path(folder), store.files(Path(folder), models[0])))
    except store.StoreError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    print(main(sys.argv[1:]))
