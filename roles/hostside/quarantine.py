"""
Every instance of this host out of rotation until somebody says otherwise, over reboots too.

``quarantine.py begin TOLD`` and ``quarantine.py end TOLD``; ``TOLD`` is JSON, ``{"why", "who"}``.
An activation may go on meanwhile, and takes nothing of it back. Where no gateway asks it is a mark,
which whoever reads the probe heeds.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, List

import audit
import places
import rotation


def begin(told: Any) -> str:
    """
    Take every instance out; return what that means for clients.

    :raises OSError: gateways go on sending requests
    """
    names = _names()
    for name in names:
        rotation.keep_out(name, told["why"])
    audit.note(told["who"], "quarantine {}: {}".format(", ".join(names), told["why"]), "out")
    silent = rotation.silent()
    if silent:
        raise OSError(
            "{} is marked, but gateways go on sending requests: {}; systemctl restart "
            "metalserve-agent.socket".format(", ".join(names), silent)
        )
    noticed = rotation.noticed_s()
    means = "gateways notice within {:.0f} s".format(noticed)
    if not noticed:
        means = "it is a mark alone, as no gateway asks this host: clients reach what runs here"
    return "{}: in quarantine ({}); {}".format(", ".join(names), told["why"], means)


def end(told: Any) -> str:
    """Take back what ``begin`` did, and nothing that an activation did."""
    names = _names()
    for name in names:
        rotation.let_in(name)
    audit.note(told["who"], "end the quarantine of {}".format(", ".join(names)), "in")
    said = ["{}: in rotation whenever its unit is up".format(", ".join(names))]
    for name in names:
        said += ["{} is still out: {}".format(name, why) for why in rotation.why_kept_out(name)]
    return "\n".join(said)


def _names() -> List[str]:
    return sorted(os.listdir(places.instances()))


def main() -> None:
    """See the top of the file."""
    verb, told = sys.argv[1], json.loads(sys.argv[2])
    try:
        print(begin(told) if verb == "begin" else end(told))
    except OSError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
