"""An edit of a JSON document by path, and a patch: edits with their reason."""

import copy
import json
from dataclasses import dataclass
from typing import Any


class PatchError(Exception):
    """A file cannot be patched; the message says what would be right."""


class _Absent:
    """What a key holds that is not there."""

    def __repr__(self) -> str:
        return "absent"


ABSENT = _Absent()


@dataclass(frozen=True)
class Edit:
    """
    One key of a JSON document, as it is and as it should be.

    :param path: keys from the top
    :param old: what it holds, ``ABSENT`` for a key that is not there
    :param new: what it should hold, ``ABSENT`` to drop the key
    """

    path: tuple[str, ...]
    old: Any
    new: Any

    def __str__(self) -> str:
        where = ".".join(self.path)
        if self.new is ABSENT:
            return f"{where}: drop {json.dumps(self.old)}"
        if self.old is ABSENT:
            return f"{where}: add {json.dumps(self.new)}"
        return f"{where}: {json.dumps(self.old)} becomes {json.dumps(self.new)}"

    @property
    def undone(self) -> "Edit":
        """The edit that takes it back."""
        return Edit(path=self.path, old=self.new, new=self.old)


@dataclass(frozen=True)
class Patch:
    """
    Edits of one file that belong together.

    :param reason: which engines need it, and what happens without it
    """

    name: str
    reason: str
    edits: tuple[Edit, ...]
    file: str = "config.json"


def patched(document: dict[str, Any], *patches: Patch) -> dict[str, Any]:
    """
    Return the document with every edit done; it is itself left alone.

    :raises PatchError: a key holds something else than an edit was made for
    """
    found = copy.deepcopy(document)
    for patch in patches:
        for edit in patch.edits:
            _do(found, edit)
    return found


def text(document: dict[str, Any]) -> str:
    """Return a document as the file that transformers would write of it."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _do(document: dict[str, Any], edit: Edit) -> None:
    *parents, key = edit.path
    holder: Any = document
    for parent in parents:
        holder = holder.get(parent) if isinstance(holder, dict) else None
    if not isinstance(holder, dict):
        raise PatchError(f"{'.'.join(parents)} is no object, so that {key} cannot be set there")
    there = holder.get(key, ABSENT)
    if there != edit.old:
        raise PatchError(
            f"{'.'.join(edit.path)} holds {there!r}, the patch was made for {edit.old!r}; "
            "use the file as the manifest pins it"
        )
    if edit.new is ABSENT:
        del holder[key]
    else:
        holder[key] = edit.new
