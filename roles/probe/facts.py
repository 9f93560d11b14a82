"""The one composite fact of a host."""

import json
from typing import Any

from pyinfra.api import FactBase, FactProcessError, QuoteString, StringCommand


class Probe(FactBase[dict[str, Any]]):
    """
    What a host is, has and runs, as ``docs/probe.md`` describes it. Its program comes on the
    input, so that a host needs nothing but ``python3``.

    .. code:: python

        {"schema": 1, "system": {"machine_id": "5f2b…"}, "instances": {"chat": {"active": True}}}
    """

    default = dict

    def command(self, python: str, weights_root: str) -> StringCommand:
        """See ``FactBase``."""
        asked = json.dumps({"weights_root": weights_root})
        # A fact that fails lets the operation after it go on with a default: answer instead.
        return StringCommand(
            QuoteString(python), "-", QuoteString(asked), "||", "echo", QuoteString("no probe")
        )

    def process(self, output: list[str]) -> dict[str, Any]:
        """See ``FactBase``."""
        try:
            found = json.loads(output[-1])
        except ValueError as error:
            said = "; ".join(output[-3:])
            raise FactProcessError(
                f"the probe did not answer ({said}), the host needs Python 3.8 or newer at the "
                "spec's python"
            ) from error
        return dict(found)
