"""
Images and videos of a request: fetched, counted and read as the server's own user.

The kinds of URL and their limits are of the documentation and of ``multimodal_utils.py``. What is
said of one that cannot be had begins with the words of ``InferTokenizer::DownloadUrl``, where a
path is its last part; what follows them is ours.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import urllib.request
import uuid
from pathlib import Path
from typing import Any

from tests.standins.ascend import mindie_reads
from tests.standins.openai.server.errors import RequestError

_LIMITS = {"image": 20 * 2**20, "video": 512 * 2**20, "audio": 20 * 2**20}
_IMAGES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")
_VIDEOS = (".mp4", ".avi", ".wmv")
_WITHIN_S = 5


def digest(part: dict[str, Any], modality: str) -> str:
    """sha256 of what a part shows; its URL is spelled in either of two ways."""
    url = part[f"{modality}_url"]
    if isinstance(url, dict):
        url = url.get("url")
    if not isinstance(url, str) or not url:
        raise _failed("TypeError", f"{modality}_url should be a string or an object with a url")
    try:
        content = _content(url, modality)
    except OSError as error:
        raise _failed(type(error).__name__, str(error)) from None
    most = _LIMITS[modality]
    if len(content) > most:
        raise _failed(
            "ValueError", f"the {modality} has {len(content)} bytes, it should have at most {most}"
        )
    known = content.startswith(_IMAGES) if modality == "image" else content[4:8] == b"ftyp"
    if not known:
        raise _failed("ValueError", f"cannot identify {modality} file")
    return hashlib.sha256(content).hexdigest()


def _content(url: str, modality: str) -> bytes:
    if url.startswith("data:"):
        return _cached(_inline(url, modality))
    if re.match(r"https?://", url):
        with urllib.request.urlopen(url, timeout=_WITHIN_S) as reply:
            return _cached(bytes(reply.read(_LIMITS[modality] + 1)))
    path = Path(url.removeprefix("file://"))
    if not path.is_absolute():
        raise _failed("ValueError", f"{path} is neither a URL nor an absolute path")
    told = mindie_reads.models(path) if path.exists() else None
    if told:
        raise _failed("PermissionError", told)
    if path.is_file() and path.stat().st_size > _LIMITS[modality]:
        size = path.stat().st_size
        raise _failed("ValueError", f"the {modality} {path.name} has {size} bytes")
    return path.read_bytes()


def _inline(url: str, modality: str) -> bytes:
    described = re.match(rf"data:{modality}/[\w.+-]+;base64,", url)
    if not described:
        raise _failed("ValueError", f"{modality}_url should begin with data:{modality}/…;base64,")
    try:
        return base64.b64decode(url[described.end() :], validate=True)
    except (binascii.Error, ValueError) as error:
        raise _failed("ValueError", str(error)) from None


def _cached(content: bytes) -> bytes:
    """Put what was sent or fetched where it is kept until the request is answered."""
    folder = Path(os.environ.get("LOCAL_CACHE_DIR") or Path.home() / "mindie/cache")
    folder.mkdir(parents=True, exist_ok=True, mode=0o750)
    file = folder / uuid.uuid4().hex
    file.write_bytes(content)
    file.unlink()
    return content


def _failed(kind: str, text: str) -> RequestError:
    shown = re.sub(r"/(?:[\w\-.]+/)*([\w\-.]+)", r"\1", text)
    return RequestError(f"[InferTokenizer::DownloadUrl] Download fail: {kind}: {shown}", status=422)
