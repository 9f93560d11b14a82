"""
The ``config.json`` of a release of MindIE: the installed version's own, with the keys that its
instance wants. What comes of it is held against MindIE's rules before anything is written.
"""

from __future__ import annotations

import json
from typing import Any, Dict, List, Tuple

import mindie_edit
import mindie_keys
import mindie_rules
import mindie_server

_WANTED = "wanted.json"
_MADE = "config.json"


class ConfigError(Exception):
    """There is no file to be had that MindIE would take; the message says why."""


def made(files: Dict[str, Any], links: Dict[str, str]) -> Tuple[Dict[str, Any], List[str]]:
    """
    Return what is made of a release's files, and what it is made of besides; nothing of releases of
    other engines.

    :param links: of the release, and what they lead to
    :raises ConfigError: the installed file cannot be read, or MindIE would refuse what comes of it
    """
    if _WANTED not in files:
        return {}, []
    wanted = json.loads(files[_WANTED]["text"])
    installed, version = wanted["installed"], wanted["version"]
    # MindIE takes no link in the place of a model.
    keys = dict(wanted["keys"], **{path: links[name] for path, name in wanted["links"].items()})
    try:
        with open(installed, encoding="utf-8") as file:
            shipped = mindie_edit.parsed(file.read())
        config = mindie_edit.edited(shipped, keys, wanted["given"]).config
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            "{} cannot be read ({}); it comes with MindIE {}, deploy/prepare.py and "
            "deploy/stage.py install that".format(installed, error, version)
        ) from error
    except mindie_edit.EditError as error:
        raise ConfigError("{} {}".format(installed, error)) from error
    broken = _broken(config, version)
    if broken:
        lines = ["  {}: {}, {}".format(*one) for one in broken]
        raise ConfigError(
            "MindIE {} would refuse {} with the keys of this instance:\n{}".format(
                version, installed, "\n".join(lines)
            )
        )
    return {_MADE: {"text": mindie_edit.text(config), "mode": "0644"}}, [installed]


def _broken(config: Any, version: str) -> List[mindie_keys.Broken]:
    """Return each key that MindIE would refuse, with what it would say first."""
    found: Dict[str, mindie_keys.Broken] = {}
    for one in (
        *mindie_keys.broken(config, version),
        *mindie_server.broken(config),
        *mindie_rules.broken(config),
    ):
        found.setdefault(one[0], one)
    return list(found.values())
