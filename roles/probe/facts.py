"""The one composite fact of a host."""

import json
from typing import Any

from pyinfra.api import FactBase, QuoteString, StringCommand

from roles import job
from roles.spec import Accelerator

PARTS = (
    *("system", "disks", "ports", "accelerators", "platform", "receipts", "stacks", "instances"),
    *("lock", "jobs"),
)


# The binding of nvidia-ml-py, which hosts have not.
CARRIED = ("pynvml",)


def program(accelerator: Accelerator) -> str:
    """Return the probe as it is fed to a host's Python, with what it asks NVML through."""
    return job.program("probe", _carried(accelerator))


def there(accelerator: Accelerator) -> str:
    """Return what a prepared host's Python is fed instead: it has the same probe, compiled."""
    return job.there("probe", _carried(accelerator))


def _carried(accelerator: Accelerator) -> tuple[str, ...]:
    return CARRIED if accelerator is Accelerator.CUDA else ()


def silent(*said: str) -> dict[str, Any]:
    """Return the probe of a host whose probe did not answer: no part, and the fault."""
    why = f"no answer of the probe ({'; '.join(said) or 'nothing'})"
    return {"schema": 2, "faults": {"python": why}} | dict.fromkeys(PARTS)


class Probe(FactBase[dict[str, Any] | None]):
    """
    What a host is, has and runs, as ``docs/probe.md`` describes it. Its program comes on the
    input, so that a host needs nothing but ``python3``; ``None`` where it should be there and is
    not.

    .. code:: python

        {"schema": 2, "system": {"machine_id": "5f2b…"}, "instances": {"chat": {"active": True}}}
    """

    # What raises here would be shown without its message, and the run would go on without a probe.
    default = staticmethod(silent)

    def command(self, python: str, weights_root: str, accelerator: str) -> StringCommand:
        """See ``FactBase``."""
        asked = json.dumps({"weights_root": weights_root, "accelerator": accelerator})
        # It needs nothing but the standard library: Python need not look for packages.
        words = (QuoteString(python), "-I", "-S", "-", QuoteString(asked))
        # A fact that fails lets the operation after it go on with a default: answer instead.
        return StringCommand(*words, "||", "echo", QuoteString("no probe"))

    def process(self, output: list[str]) -> dict[str, Any] | None:
        """See ``FactBase``."""
        if output[-1:] == [job.ELSEWHERE]:
            return None
        try:
            return dict(json.loads(output[-1]))
        except (TypeError, ValueError):
            return silent(*output[-3:])
