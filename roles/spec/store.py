"""
A store of Ollama's as weights: manifests that name blobs, each file by its own digest.

    manifests/registry.ollama.ai/library/qwen3/8b       what clients ask for as qwen3:8b
    blobs/sha256-<digest>                               what manifests name
"""

import re
from collections.abc import Iterable, Iterator, Mapping

from roles.spec.base import Fault

_MANIFESTS, _BLOBS = "manifests/", "blobs/"
_DEFAULTS = ("registry.ollama.ai", "library")
_TAG = "latest"


def is_part(path: str) -> bool:
    """Say whether a file is one that only such a store has."""
    return path.startswith(_MANIFESTS)


def models(paths: Iterable[str]) -> list[str]:
    """Return the names that clients may ask for, as Ollama shows them."""
    return sorted(_name(path) for path in paths if is_part(path))


def manifest_of(model: str) -> str:
    """Return the path of the manifest of a name; what a name leaves out, Ollama adds."""
    where, _, last = model.rpartition("/")
    name, _, tag = last.partition(":")
    given = where.split("/") if where else []
    return _MANIFESTS + "/".join([*_DEFAULTS[: 2 - len(given)], *given, name, tag or _TAG])


def faults(digests: Mapping[str, str]) -> Iterator[Fault]:
    """What is wrong with the files of a store, given as the sha256 of each path."""
    for path, sha256 in digests.items():
        if is_part(path):
            if len(path.split("/")) != 5:
                yield Fault(
                    path=f"files/{path}",
                    wrong="is no manifest of Ollama's",
                    right="should be manifests/<registry>/<namespace>/<model>/<tag>",
                )
        elif not re.fullmatch(r"blobs/sha256-[0-9a-f]{64}", path):
            yield Fault(
                path=f"files/{path}",
                wrong="does not belong into a store of Ollama's",
                right="list manifests and whole blobs, "
                "as python -m roles.weights.manifest STORE MODEL does",
            )
        elif path.removeprefix("blobs/sha256-") != sha256:
            yield Fault(
                path=f"files/{path}",
                wrong=f"has sha256 {sha256}",
                right="should have the digest that it is named by, the store is damaged",
            )
    if not any(path.startswith(_BLOBS) for path in digests):
        yield Fault(path="files", wrong="has no blobs", right="list the whole store")


def _name(path: str) -> str:
    *where, name, tag = path.removeprefix(_MANIFESTS).split("/")
    for default in _DEFAULTS:
        if where[:1] != [default]:
            break
        where = where[1:]
    return "/".join([*where, f"{name}:{tag}"])
