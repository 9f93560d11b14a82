"""What a host has of ours."""

import json
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand


def silent(*said: str) -> dict[str, Any]:
    """Return what is known of a host that did not answer: why."""
    why = f"no answer of decommission.py ({'; '.join(said) or 'nothing'})"
    return {"things": [], "stays": [], "fault": why}


class Remains(FactBase[dict[str, Any]]):
    """
    What of ours is there, as ``decommission.py`` tells it. Its program comes on the input, so that
    any host can be asked.

    .. code:: python

        {"things": [["user", "metalserve-chat"]], "stays": ["…/weights: weights"], "fault": None}
    """

    default = staticmethod(silent)

    def command(self, python: str, plan: str) -> StringCommand:
        """See ``FactBase``."""
        # A fact that fails lets the operation after it go on with a default: answer instead.
        words = [QuoteString(python), "-", "list", QuoteString(plan)]
        return StringCommand(*words, "||", "echo", QuoteString("no list"))

    def process(self, output: list[str]) -> dict[str, Any]:
        """See ``FactBase``."""
        try:
            return dict(json.loads(output[-1]))
        except (IndexError, TypeError, ValueError):
            return silent(*output[-3:])
