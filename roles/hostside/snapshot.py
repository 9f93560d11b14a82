"""
Whether a folder holds a whole model, or a store of Ollama's: what can be told without an engine, in
a second.

``python3 snapshot.py FOLDER`` prints what is wrong, a line each, and ends with 1 if anything is. A
hash says that a file is the one that was pinned; this says that what was pinned can be loaded.
"""

from __future__ import annotations

import glob
import json
import os
import struct
import sys
from typing import Any, Iterator

import ollama_store

_POINTER = b"version https://git-lfs"
_HEADER_MAX = 100_000_000  # bytes; safetensors' own limit
_REMAINS = ("*.incomplete", "*.partial", "._____temp", "*.aria2", "*.part")


def faults(folder: str) -> Iterator[str]:
    """Yield what keeps an engine from loading the model in ``folder``."""
    if ollama_store.there(folder):
        yield from _remains(folder)
        yield from ollama_store.faults(folder)
        return
    config = _json(folder, "config.json")
    if isinstance(config, str):
        yield config
    elif not config.get("architectures"):
        yield "config.json names no architecture: fetch it again"
    yield from _remains(folder)
    yield from _pointers(folder)
    yield from _shards(folder)
    yield from _words(folder)
    if isinstance(config, dict) and config.get("vision_config"):
        yield from _eyes(folder)


def truncated(path: str) -> str | None:
    """Say what is wrong in a safetensors file, by its header and its size; ``None`` if nothing."""
    name = os.path.basename(path)
    size = os.path.getsize(path)
    with open(path, "rb") as file:
        first = file.read(8)
        if len(first) < 8:
            return "{} has {} bytes, too few for a safetensors file: fetch it again".format(
                name, size
            )
        (length,) = struct.unpack("<Q", first)
        if length > min(size - 8, _HEADER_MAX):
            return "{} has no safetensors header: fetch it again".format(name)
        try:
            header = json.loads(file.read(length))
            ends = [
                int(tensor["data_offsets"][1])
                for key, tensor in header.items()
                if key != "__metadata__"
            ]
        except (ValueError, KeyError, TypeError, IndexError, AttributeError):
            return "{} has a damaged safetensors header: fetch it again".format(name)
    wanted = 8 + length + max(ends, default=0)
    if wanted != size:
        return "{} has {} bytes, its header says {}: fetch it again".format(name, size, wanted)
    return None


def _remains(folder: str) -> Iterator[str]:
    for pattern in _REMAINS:
        for path in sorted(glob.glob(folder + "/**/" + pattern, recursive=True)):
            name = os.path.relpath(path, folder)
            yield "{} is left of a download that did not end: end it, or remove it".format(name)


def _pointers(folder: str) -> Iterator[str]:
    for path in sorted(glob.glob(folder + "/**", recursive=True)):
        if os.path.isfile(path) and os.path.getsize(path) < 1024:
            with open(path, "rb") as file:
                if file.read(len(_POINTER)) == _POINTER:
                    yield "{} is a pointer of git-lfs, not the file: fetch it with git lfs".format(
                        os.path.relpath(path, folder)
                    )


def _shards(folder: str) -> Iterator[str]:
    there = {os.path.basename(path) for path in glob.glob(folder + "/*.safetensors")}
    if not there:
        yield "there are no *.safetensors: this is no model, or one in another format"
        return
    for name in sorted(there):
        wrong = truncated(folder + "/" + name)
        if wrong:
            yield wrong
    for path in sorted(glob.glob(folder + "/*.safetensors.index.json")):
        index = _json(folder, os.path.basename(path))
        if isinstance(index, str):
            yield index
            continue
        mapped = index.get("weight_map")
        wanted = set(mapped.values()) if isinstance(mapped, dict) else set()
        if not wanted:
            yield "{} maps no weights: fetch it again".format(os.path.basename(path))
        for name in sorted(wanted - there):
            yield "{} is missing, {} names it".format(name, os.path.basename(path))
        total = (index.get("metadata") or {}).get("total_size") or 0
        have = sum(os.path.getsize(folder + "/" + name) for name in wanted & there)
        if wanted <= there and have < total:
            yield "the shards have {} bytes, {} says {}".format(have, os.path.basename(path), total)
    numbered = sorted(name for name in there if "-of-" in name)
    if numbered and not glob.glob(folder + "/*.safetensors.index.json"):
        yield "there are shards ({}, …) and no index of them".format(numbered[0])


def _words(folder: str) -> Iterator[str]:
    def have(*names: str) -> bool:
        return all(os.path.isfile(folder + "/" + name) for name in names)

    if not have("tokenizer.json") and not have("vocab.json", "merges.txt"):
        yield "there is no tokenizer: neither tokenizer.json nor vocab.json with merges.txt"
    settings = _json(folder, "tokenizer_config.json")
    if isinstance(settings, str):
        yield settings
        settings = {}
    if not (
        have("chat_template.jinja") or have("chat_template.json") or settings.get("chat_template")
    ):
        yield (
            "there is no chat template: neither chat_template.jinja nor chat_template.json, "
            "nor one in tokenizer_config.json"
        )


def _eyes(folder: str) -> Iterator[str]:
    names = ("preprocessor_config.json", "processor_config.json")
    if not any(os.path.isfile(folder + "/" + name) for name in names):
        yield "there is no image processor: neither {} nor {}".format(*names)


def _json(folder: str, name: str) -> Any:
    """Return a JSON object, or what is wrong with it."""
    try:
        with open(folder + "/" + name, encoding="utf-8") as file:
            found = json.load(file)
    except FileNotFoundError:
        return "{} is missing".format(name)
    except (OSError, ValueError) as error:
        return "{} cannot be read ({}): fetch it again".format(name, error)
    return found if isinstance(found, dict) else "{} is no JSON object".format(name)


def main() -> None:
    """See the top of the file."""
    if len(sys.argv) != 2 or not os.path.isdir(sys.argv[1]):
        raise SystemExit("usage: snapshot.py FOLDER")
    found = list(faults(sys.argv[1]))
    print("\n".join(found or ["{} holds a whole model".format(sys.argv[1])]))
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
