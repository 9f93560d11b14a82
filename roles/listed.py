"""What one of our scripts lists on a host, before anything is changed there."""

import json
from typing import Any, ClassVar

from pyinfra.api import FactBase, QuoteString, StringCommand


class Listed(FactBase[dict[str, Any]]):
    """
    The JSON that a script prints when it is told to ``list`` what a plan comes to. Its program
    comes on the input, so that any host can be asked.

    :cvar script: its name
    :cvar nothing: what it lists on a host that has nothing
    """

    script: ClassVar[str]
    nothing: ClassVar[dict[str, Any]]

    @classmethod
    def silent(cls, *said: str) -> dict[str, Any]:
        """Return what is known of a host that did not answer: why."""
        why = f"no answer of {cls.script} ({'; '.join(said) or 'nothing'})"
        return cls.nothing | {"fault": why}

    default = silent

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
            return self.silent(*output[-3:])
