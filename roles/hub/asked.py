"""What is to be pinned: ``--data weights=NAME --data from=HUB:OWNER/REPO@REVISION``."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.hub.listing import HubError
from roles.spec import Secret

HUBS = ("huggingface", "modelscope")
_FROM = re.compile(rf"({'|'.join(HUBS)}):([^/@\s]+/[^/@\s]+)@(\S+)")


@dataclass(frozen=True)
class Asked:
    """
    One revision of one hub, under one name.

    :param without: patterns of files that are left out
    :param folder: where inventories find it
    """

    name: str
    hub: str
    repo: str
    revision: str
    endpoint: str | None
    token: Secret | None
    without: tuple[str, ...]
    folder: Path


def asked(data: Mapping[str, Any]) -> Asked:
    """
    Read what was given with ``--data``.

    :raises HubError: it is not what can be asked
    """
    known = {"weights", "from", "endpoint", "token", "without", "folder"}
    given = {key: str(data[key]) for key in known if data.get(key)}
    if not {"weights", "from"} <= given.keys():
        raise HubError("give --data weights=NAME and --data from=HUB:OWNER/REPO@REVISION")
    found = _FROM.fullmatch(given["from"])
    if not found:
        right = "huggingface:OWNER/REPO@main or modelscope:OWNER/REPO@master"
        raise HubError(f"from: is {given['from']!r}, should be as in {right}")
    return Asked(
        name=given["weights"],
        hub=found[1],
        repo=found[2],
        revision=found[3],
        endpoint=given.get("endpoint"),
        token=_secret(given["token"]) if "token" in given else None,
        without=tuple(filter(None, given.get("without", "").split(","))),
        folder=Path(given.get("folder", "inventories/weights")),
    )


def _secret(text: str) -> Secret:
    kind, _, place = text.partition(":")
    if kind == "env" and place:
        secret = Secret(env=place)
    elif kind == "file" and place:
        secret = Secret(file=Path(place))
    else:
        # What was given may be the token itself: it is not shown.
        raise HubError("token: should be env:NAME or file:PATH, never the token itself")
    if faults := secret.faults():
        raise HubError(f"token: {faults[0].right}")
    return secret
