"""The models of a store, read as strictly as can be."""

from __future__ import annotations

import json
import re
import struct
from pathlib import Path
from typing import Any, BinaryIO

from .errors import StartError

_MODEL = "application/vnd.ollama.image.model"


class Store:
    """A folder of manifests and blobs."""

    def __init__(self, folder: Path) -> None:
        self.blobs = folder / "blobs"
        self.models = {
            _name(path.relative_to(folder / "manifests")): json.loads(path.read_text())
            for path in sorted((folder / "manifests").glob("*/*/*/*"))
        }

    def prune(self) -> None:
        """Delete every blob that no manifest names."""
        named = {
            part["digest"].replace(":", "-")
            for manifest in self.models.values()
            for part in (manifest["config"], *manifest["layers"])
        }
        for blob in self.blobs.iterdir():
            if blob.name not in named:
                try:
                    blob.unlink()
                except OSError as error:
                    raise StartError(f"remove {blob}: {error.strerror}") from None

    def weights(self, model: str) -> Path:
        """Return the file of a model's weights; every blob of it has to be there."""
        found = None
        for part in (self.models[model]["config"], *self.models[model]["layers"]):
            if not re.fullmatch(r"sha256:[0-9a-f]{64}", part["digest"]):
                raise ValueError(f"invalid digest format {part['digest']}")
            blob = self.blobs / str(part["digest"]).replace(":", "-")
            if blob.stat().st_size != part["size"]:
                raise ValueError(f"{blob} has another size than its manifest says")
            if part["mediaType"] == _MODEL:
                found = blob
        if found is None:
            raise ValueError(f"{model} has no weights")
        return found


def answers(blob: Path) -> dict[str, str]:
    """Return what a model answers by question: it is in the head of its file."""
    with blob.open("rb") as file:
        if file.read(4) != b"GGUF":
            raise ValueError(f"{blob}: invalid file magic")
        _version, _tensors, count = struct.unpack("<IQQ", file.read(20))
        found: dict[str, Any] = {}
        for _ in range(count):
            key = _text(file)
            (kind,) = struct.unpack("<I", file.read(4))
            found[key] = _value(file, kind)
    known: dict[str, str] = json.loads(found["standin.answers"])
    return known


def _value(file: BinaryIO, kind: int) -> Any:
    if kind == 8:
        return _text(file)
    if kind == 9:
        of, length = struct.unpack("<IQ", file.read(12))
        return [_value(file, of) for _ in range(length)]
    if kind == 4:
        return struct.unpack("<I", file.read(4))[0]
    raise ValueError(f"a value of kind {kind}, which no model of these tests has")


def _text(file: BinaryIO) -> str:
    (length,) = struct.unpack("<Q", file.read(8))
    return file.read(length).decode()


def _name(path: Path) -> str:
    *where, model, tag = path.parts
    if where[0] == "registry.ollama.ai":
        where = where[1:]
        where = [] if where == ["library"] else where
    return "/".join([*where, f"{model}:{tag}"])
