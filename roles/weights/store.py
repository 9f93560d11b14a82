"""A store of Ollama's on this machine: what of it is one model."""

import json
from pathlib import Path
from typing import Any

from roles.spec import store

_MODEL = "application/vnd.ollama.image.model"


class StoreError(Exception):
    """A store does not hold what was asked for; the message says what it holds."""


def files(folder: Path, model: str) -> list[str]:
    """
    Return the paths of a model's files: its manifest, and every blob that it names.

    :raises StoreError: the store has no such model, or the manifest cannot be read
    """
    parts = _parts(folder, model)
    return sorted({store.manifest_of(model), *(_blob(part) for part in parts)})


def weights(folder: Path, model: str) -> Path:
    """
    Return the file that holds a model's weights.

    :raises StoreError: see ``files``
    """
    for part in _parts(folder, model):
        if part["mediaType"] == _MODEL:
            return folder / _blob(part)
    raise StoreError(f"{model} in {folder} has no weights, it is another kind of image")


def _parts(folder: Path, model: str) -> list[dict[str, Any]]:
    path = folder / store.manifest_of(model)
    if not path.is_file():
        there = (str(one.relative_to(folder)) for one in folder.glob("manifests/*/*/*/*"))
        models = ", ".join(store.models(there)) or "no model"
        raise StoreError(f"{model} is not in {folder}, which holds {models}")
    try:
        manifest = json.loads(path.read_text())
        parts = [manifest["config"], *manifest["layers"]]
        for part in parts:
            _blob(part)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise StoreError(f"{path} cannot be read ({error}); pull the model again") from error
    return parts


def _blob(part: dict[str, Any]) -> str:
    return f"blobs/{part['digest'].replace(':', '-')}"
