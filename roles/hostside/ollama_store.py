"""
Whether a folder holds a whole store of Ollama's: every manifest can be read, and every blob that it
names is there with its size.

Blobs are named by their sha256, and the fetch has held each against its own.
"""

from __future__ import annotations

import glob
import json
import os
import re
from typing import Any, Iterator

_MODEL = "application/vnd.ollama.image.model"
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_MAGIC = b"GGUF"


def there(folder: str) -> bool:
    """Say whether a folder is such a store, whole or not."""
    return os.path.isdir(folder + "/manifests")


def faults(folder: str) -> Iterator[str]:
    """Yield what keeps Ollama from loading the models of a store."""
    paths = sorted(glob.glob(folder + "/manifests/*/*/*/*"))
    if not paths:
        yield "there are no manifests/<registry>/<namespace>/<model>/<tag>: no model is in it"
    for path in paths:
        name = os.path.relpath(path, folder)
        try:
            with open(path, encoding="utf-8") as file:
                manifest = json.load(file)
            parts = [manifest["config"], *manifest["layers"]]
            blobs = [(part["digest"], int(part["size"]), part["mediaType"]) for part in parts]
        except (OSError, ValueError, KeyError, TypeError) as error:
            yield "{} cannot be read ({}: {}): fetch it again".format(
                name, type(error).__name__, error
            )
            continue
        if all(kind != _MODEL for _, _, kind in blobs):
            yield "{} names no model: it is another kind of image".format(name)
        for digest, size, kind in blobs:
            yield from _blob(folder, name, digest, size, kind)


def _blob(folder: str, manifest: str, digest: Any, size: int, kind: Any) -> Iterator[str]:
    if not isinstance(digest, str) or not _DIGEST.fullmatch(digest):
        yield "{} names {!r}, which is no digest: fetch it again".format(manifest, digest)
        return
    name = "blobs/" + digest.replace(":", "-")
    try:
        found = os.path.getsize(folder + "/" + name)
        with open(folder + "/" + name, "rb") as file:
            head = file.read(len(_MAGIC))
    except OSError as error:
        yield "{} cannot be read ({}), {} names it".format(name, error.strerror, manifest)
        return
    if found != size:
        yield "{} has {} bytes, {} says {}: fetch it again".format(name, found, manifest, size)
    elif kind == _MODEL and head != _MAGIC:
        yield "{} is no GGUF file, which {} says: fetch it again".format(name, manifest)
