"""``SHA256SUMS``: the hash of every file of a bundle, as ``sha256sum --check`` reads it."""

import hashlib
import subprocess
from collections.abc import Iterable
from pathlib import Path

from roles.bundle.asked import BundleError
from roles.bundle.wants import Plan

NAME = "SHA256SUMS"


def write(folder: Path, plans: Iterable[Plan], texts: dict[str, str]) -> int:
    """
    Write the manifest and the ``texts`` by their names; return how many files it has.

    Files that an earlier inventory needed stay in it as long as they are there.
    """
    found = {path: sha for path, sha in _read(folder).items() if (folder / path).is_file()}
    for plan in plans:
        below = Path(plan["folder"]).relative_to(folder)
        found |= {str(below / file["path"]): file["sha256"] for file in plan["files"]}
    for name, text in texts.items():
        (folder / name).write_text(text)
        found[name] = hashlib.sha256(text.encode()).hexdigest()
    lines = [f"{sha}  {path}\n" for path, sha in sorted(found.items())]
    beside = folder / f"{NAME}.new"
    beside.write_text("".join(lines))
    beside.replace(folder / NAME)
    return len(found)


def verify(folder: Path) -> int:
    """
    Hold every file against the manifest, and return how many there are.

    :raises BundleError: with a line for each that is wrong, missing or not in it
    """
    listed = _read(folder)
    if not listed:
        raise BundleError(f"{folder} holds no {NAME}: it is no bundle, or was never completed")
    there = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    wrong = [f"{path} is not in the manifest" for path in sorted(there - listed.keys() - {NAME})]
    # Its words for a file that is missing or cannot be read are its own.
    ended = subprocess.run(  # noqa: S603  # a file of the bundle is an argument of nothing
        ["sha256sum", "--check", "--quiet", "--strict", NAME],  # noqa: S607
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if ended.returncode != 0:
        wrong += [line for line in ended.stdout.splitlines() if ": FAILED" in line]
    if wrong:
        raise BundleError("\n".join([f"{folder} is not whole:", *wrong]))
    return len(listed)


def _read(folder: Path) -> dict[str, str]:
    file = folder / NAME
    lines = file.read_text().splitlines() if file.is_file() else []
    return {path: sha for sha, _, path in (line.partition("  ") for line in lines)}
