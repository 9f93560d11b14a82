"""What a host has of ours that nothing needs."""

import json
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand


def silent(*said: str) -> dict[str, Any]:
    """Return what is known of a host that did not answer: why."""
    why = f"no answer of prune.py ({'; '.join(said) or 'nothing'})"
    return {"count": 0, "lines": [], "fault": why}


class Unneeded(FactBase[dict[str, Any]]):
    """
    What may be deleted, as ``prune.py`` tells it. Its program comes on the input, so that any
    host can be asked.

    .. code:: python

        {"count": 1, "lines": ["stack   5.1 GiB  /opt/metalserve/stacks/…"], "fault": None}
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
