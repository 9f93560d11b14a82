"""
MindIE's ``config.json`` edited key by key: what an instance wants, on top of what the installed
version ships.

There are as many layouts as generations of MindIE, so no file is ever written anew. Keys are named
by their path: ``BackendConfig.ModelDeployConfig.ModelConfig.0.worldSize``.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, List, NamedTuple, Tuple

_INVALID = "Json file is invalid. Please check json format! "
# A comma, a colon and quotes as Chinese keyboards have them.
_WIDE = re.compile("[\uff0c\uff1a\u201c\u201d]")


class EditError(Exception):
    """A file cannot be read, or a key cannot be set; the message says what would be right."""


class Edited(NamedTuple):
    """
    What became of a file.

    :param changed: paths that hold something else than before
    :param left_out: paths that were wanted and that the file does not have
    """

    config: Dict[str, Any]
    changed: List[str]
    left_out: List[str]


def parsed(text: str) -> Dict[str, Any]:
    """
    Return what a file holds, as MindIE's own parser takes it: a byte order mark before the object
    and anything behind it are passed over, comments are not.

    :raises EditError: it is no JSON object
    """
    text = text[1:] if text[:1] == "\ufeff" else text
    reader = json.JSONDecoder(parse_constant=_refuse)
    try:
        found, _ = reader.raw_decode(text, len(text) - len(text.lstrip(" \t\r\n")))
    except json.JSONDecodeError as error:
        raise EditError(_where(text, error)) from None
    except ValueError as error:
        raise EditError('"{}", {}'.format(_INVALID, error)) from None
    if not isinstance(found, dict):
        raise EditError("is no JSON object, should be the config.json that MindIE ships")
    return found


def edited(config: Dict[str, Any], wanted: Dict[str, Any], given: Dict[str, Any]) -> Edited:
    """
    Return the file with every key as it should be, all others and their order as they were.

    :param wanted: what follows from the instance; what the file does not have, its version does
        not know, and it is left out
    :param given: what the operator named, which is set whether it was there or not
    :raises EditError: what a given key should lie in is neither an object nor a list
    """
    found = json.loads(json.dumps(config))
    changed: List[str] = []
    left_out: List[str] = []
    for path, value in wanted.items():
        holder, name = _holder(found, path, False)
        if holder is None or not _has(holder, name):
            left_out.append(path)
        elif _set(holder, name, value):
            changed.append(path)
    for path, value in given.items():
        holder, name = _holder(found, path, True)
        if _set(holder, name, value):
            changed.append(path)
    return Edited(found, changed, left_out)


def text(config: Dict[str, Any]) -> str:
    """Return the text of a file."""
    return json.dumps(config, indent=4, ensure_ascii=False) + "\n"


def _refuse(constant: str) -> Any:
    raise ValueError("{} stands for a value, should be a number or null".format(constant))


def _where(text: str, error: json.JSONDecodeError) -> str:
    line = text.split("\n")[error.lineno - 1].strip()
    if re.match(r"\s*(#|//|/\*)", text[error.pos :]):
        right = "should be without the comment, which JSON does not have"
    elif _WIDE.search(line):
        right = 'should have the signs , : and " of ASCII for the full-width ones'
    else:
        right = "should be JSON: {}".format(error.msg)
    return 'line {}: "{}" of {!r}, {}'.format(error.lineno, _INVALID, line[:120], right)


def _holder(config: Dict[str, Any], path: str, make: bool) -> Tuple[Any, str]:
    """Return what holds the last key of a path, ``None`` when there is no such thing."""
    *parents, name = path.split(".")
    holder: Any = config
    for depth, parent in enumerate(parents):
        if _has(holder, parent):
            holder = holder[int(parent)] if isinstance(holder, list) else holder[parent]
        elif make and isinstance(holder, dict):
            holder = holder.setdefault(parent, {})
        elif make:
            raise EditError(_nowhere(path, parents[: depth + 1]))
        else:
            return None, name
    if make and not isinstance(holder, dict) and not _has(holder, name):
        raise EditError(_nowhere(path, parents))
    return holder, name


def _nowhere(path: str, parents: List[str]) -> str:
    where = ".".join(parents)
    return "{}: cannot be set, {} is neither an object nor a list with it".format(path, where)


def _has(holder: Any, name: str) -> bool:
    if isinstance(holder, list):
        return name.isdigit() and int(name) < len(holder)
    return isinstance(holder, dict) and name in holder


def _set(holder: Any, name: str, value: Any) -> bool:
    """Set a key unless it means the same already, as 0 does for false; say whether it changed."""
    key: Any = int(name) if isinstance(holder, list) else name
    if _has(holder, name):
        there = holder[key]
        if there == value and (type(there) is type(value) or not value):
            return False
    holder[key] = value
    return True
