"""Images and videos inside a request: taken apart as vLLM does, but not looked at."""

from __future__ import annotations

import base64
import binascii
import hashlib

from .errors import RequestError

_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM")


def digest(url: object, *, modality: str) -> str:
    """sha256 of what a ``data:`` URL holds."""
    if not isinstance(url, str):
        raise RequestError(f"{modality}_url: Input should be a valid string", param=modality)
    if url[:5].lower() == "file:":
        raise RequestError("Cannot load local files without `--allowed-local-media-path`.")
    if url[:5].lower() != "data:":
        # The real one would fetch from the web; hosts under test have none.
        raise RequestError("The URL must be either a HTTP, data or file URL.")

    description, comma, text = url[5:].partition(",")
    if not comma:
        raise RequestError(f"Invalid data URL {url[:32]!r}: missing ',' separator.")
    if description.rpartition(";")[2] != "base64":
        raise RequestError("Only base64 data URLs are supported for now.")
    try:
        content = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise RequestError(f"Failed to load {modality}: {error}") from None

    known = content.startswith(_IMAGES) if modality == "image" else content[4:8] == b"ftyp"
    if not known:
        raise RequestError(f"Failed to load {modality}: cannot identify {modality} file")
    return hashlib.sha256(content).hexdigest()
