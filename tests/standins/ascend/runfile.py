"""Makes a self-extracting package, the same bytes from the same parts on any machine."""

import hashlib
from collections.abc import Mapping
from pathlib import Path

from tests.standins.hardware.deb import tar

PAYLOAD = Path(__file__).parent / "payload"


def carried(*names: str) -> dict[str, str]:
    """Return files of ours, and those of folders of ours, by what they are called in a package."""
    files: dict[str, str] = {}
    for name in names:
        path = PAYLOAD / name
        found = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        files |= {f.relative_to(PAYLOAD).as_posix(): f.read_text(encoding="utf-8") for f in found}
    return files


def about(**facts: object) -> str:
    """Return what a package's scripts know of it, as assignments of a shell."""
    return "".join(f"{name}='{value}'\n" for name, value in facts.items())


def write(
    file: Path, *, title: str, files: Mapping[str, str | bytes], checks_more: bool = False
) -> Path:
    """
    Write a package that unpacks ``files`` and runs the ``install.sh`` among them.

    :param title: what it says it uncompresses
    :param checks_more: ``--check`` is not only about the archive, but for ``install.sh`` too
    """
    archive = tar({f"/{name}": content for name, content in files.items()})
    header = (PAYLOAD / "header.sh").read_text(encoding="utf-8")
    said = {
        "@TITLE@": title,
        "@SHA256@": hashlib.sha256(archive).hexdigest(),
        "@FIRST_LINE@": str(header.count("\n") + 1),
        "@CHECKS_MORE@": "y" if checks_more else "",
    }
    for word, value in said.items():
        header = header.replace(word, value)
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(header.encode() + archive)
    file.chmod(0o755)
    return file
