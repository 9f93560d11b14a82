"""The command line: LMDeploy's own, from a table that ``table.py`` made of the real parser."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from importlib import resources
from typing import Any

_TYPES = {"str": str, "int": int, "float": float, "json": json.loads, "_parse": int}


def parse(words: Sequence[str], version: str) -> argparse.Namespace:
    """
    What was asked for; an option that this version does not know ends the process with status 2,
    as argparse does.
    """
    parser = argparse.ArgumentParser(prog="lmdeploy", allow_abbrev=False)
    parser.add_argument("-v", "--version", action="version", version=version)
    serve = parser.add_subparsers(dest="command", required=True).add_parser("serve")
    servers = serve.add_subparsers(required=True)
    # The real one takes unambiguous prefixes; a prefix is ambiguous one version later.
    server = servers.add_parser("api_server", allow_abbrev=False)
    for option in _table(version):
        _add(server, option)
    return parser.parse_args(words)


def _table(version: str) -> list[dict[str, Any]]:
    name = f"options_{version.replace('.', '_')}.json"
    text = resources.files(__package__).joinpath(name).read_text(encoding="utf-8")
    rows: list[dict[str, Any]] = json.loads(text)
    return rows


def _add(parser: argparse.ArgumentParser, option: dict[str, Any]) -> None:
    known: dict[str, Any] = {"default": option["default"]}
    if option["switch"]:
        known["action"] = "store_true"
    else:
        known["type"] = _TYPES[option["type"]]
        known |= {key: option[key] for key in ("nargs", "choices") if option[key] is not None}
    parser.add_argument(*option["names"], **known)
