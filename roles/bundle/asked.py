"""What is to be bundled: ``--data inventory=FILE --data folder=DIR``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class BundleError(Exception):
    """There is no bundle, or it is not whole; the message says why and what to do."""


@dataclass(frozen=True)
class Asked:
    """
    One bundle.

    :param inventory: the file that says what hosts need
    :param folder: the bundle's own
    :param index: URL of the package index; what uv is set to on this machine unless given
    """

    inventory: Path
    folder: Path
    index: str | None


def asked(data: Mapping[str, Any]) -> Asked:
    """
    Read what was given with ``--data``.

    :raises BundleError: it is not what can be asked
    """
    if not data.get("inventory"):
        raise BundleError("give --data inventory=FILE and --data folder=DIR")
    index = str(data["index"]) if data.get("index") else None
    if index and not re.fullmatch(r"https?://[^@\s]+", index):
        raise BundleError("index: should be an http or https URL without a password")
    return Asked(inventory=Path(str(data["inventory"])), folder=folder(data), index=index)


def folder(data: Mapping[str, Any]) -> Path:
    """
    Read where the bundle is.

    :raises BundleError: it was not said
    """
    if not data.get("folder"):
        raise BundleError("give --data folder=DIR, a folder of the bundle's own")
    return Path(str(data["folder"])).absolute()
