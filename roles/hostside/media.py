"""
Images and films of a question as files, where a request with them inside would be too long.

MindIE takes 4 MiB of messages, everything in them counted, and reads files that its user can read
(MindIE-LLM, ``single_req_vllm_openai_infer_interface.cpp``). Such a file lies there for the time of
its question, in a folder of root's and for that user alone.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import pwd
import tempfile
from typing import Any, Iterator

import places

# Of MindIE's bound on what is sent, which is in characters.
LONGEST = 4194304
# For what stands around the content in the request.
_AROUND = 4096


@contextlib.contextmanager
def sent(content: Any, reader: str | None) -> Iterator[Any]:
    """
    Give a question's content as a server can take it.

    :param reader: the user of a server with that bound; ``None`` of one without
    """
    if reader is None or len(json.dumps(content)) <= LONGEST - _AROUND:
        yield content
        return
    with contextlib.ExitStack() as files:
        yield [files.enter_context(_as_file(part, reader)) for part in content]


@contextlib.contextmanager
def _as_file(part: Any, reader: str) -> Iterator[Any]:
    kind = part["type"]
    if kind == "text":
        yield part
        return
    about, _, encoded = part[kind]["url"].partition(";base64,")
    folder = places.shown()
    os.makedirs(folder, mode=0o755, exist_ok=True)
    descriptor, path = tempfile.mkstemp(suffix="." + about.rpartition("/")[2], dir=folder)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(base64.b64decode(encoded))
            os.fchmod(file.fileno(), 0o400)
            os.fchown(file.fileno(), pwd.getpwnam(reader).pw_uid, -1)
        yield {"type": kind, kind: {"url": "file://" + path}}
    finally:
        os.unlink(path)
