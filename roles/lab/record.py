"""What labs were given when they were founded, kept beside their disks."""

import contextlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from roles.lab import places
from roles.lab.command import LabError


@dataclass(frozen=True, kw_only=True)
class Record:
    """The part of a lab that may never change below its hosts."""

    subnet: int
    image: str


def every() -> dict[str, Record]:
    """Read the record of every lab of this machine, by name."""
    found = {}
    for file in places.STATE.glob("*/lab.json"):
        # Another run may destroy its lab meanwhile.
        with contextlib.suppress(FileNotFoundError):
            found[file.parent.name] = _read(file)
    return found


def of(name: str) -> Record:
    try:
        return _read(places.STATE / name / "lab.json")
    except FileNotFoundError:
        raise LabError(f"lab {name}: there is none, bring it up first") from None


def has(name: str) -> bool:
    return (places.STATE / name / "lab.json").is_file()


def keep(name: str, record: Record) -> None:
    write(places.STATE / name / "lab.json", json.dumps(asdict(record)))


def used_images(*, besides: str = "") -> set[str]:
    """Name the images that disks lie on, of every lab of this machine but ``besides``."""
    return {record.image for name, record in every().items() if name != besides}


def _read(file: Path) -> Record:
    return Record(**json.loads(file.read_text()))


def write(path: Path, text: str) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f"{path.name}.unfinished")
    unfinished.write_text(text)
    unfinished.rename(path)
