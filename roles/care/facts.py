"""What a host has of ours that nothing needs."""

from typing import Any, ClassVar

from roles.listed import Listed


class Unneeded(Listed):
    """
    What may be deleted, as ``prune.py`` tells it.

    .. code:: python

        {"count": 1, "lines": ["stack   5.1 GiB  /opt/metalserve/stacks/…"], "fault": None}
    """

    script = "prune.py"
    nothing: ClassVar[dict[str, Any]] = {"count": 0, "lines": []}
