"""What a host has of ours."""

from typing import Any, ClassVar

from roles.listed import Listed


class Remains(Listed):
    """
    What of ours is there, as ``decommission.py`` tells it.

    .. code:: python

        {"things": [["user", "metalserve-chat"]], "stays": ["…/weights: weights"], "fault": None}
    """

    script = "decommission.py"
    nothing: ClassVar[dict[str, Any]] = {"things": [], "stays": []}
