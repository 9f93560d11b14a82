"""The form in which a known failure is written down; the rows are in the modules ``known_*``."""

from __future__ import annotations

import re
from typing import NamedTuple, Tuple

# Engines by the names that a release's description has; none means any engine.
VLLM = ("vllm", "vllm-ascend")
LMDEPLOY = ("lmdeploy",)
PYTHON = (*VLLM, *LMDEPLOY)
MINDIE = ("mindie",)
OLLAMA = ("ollama",)

# How far a line is a cause: it is one; it may be one, and other lines are believed before it; it
# only tells that something failed, and points at lines before it.
ROOT, HINT, WRAPPER = range(3)


class Known(NamedTuple):
    """
    One known failure.

    :param says: what the log says, any of it and in any case; ``…`` stands for anything within a
        line, and a line break for one
    :param source: where it is known from: an issue, an engine's source or documents, or measured
    :param engines: whose logs say it, any engine's when none is named
    """

    says: Tuple[str, ...]
    cause: str
    remedy: str
    source: str
    engines: Tuple[str, ...] = ()
    weight: int = ROOT

    @property
    def pattern(self) -> str:
        """What is searched for, as a regular expression."""
        return "|".join(re.escape(text).replace("…", ".*?") for text in self.says)

    def concerns(self, engine: str | None) -> bool:
        """Say whether logs of an engine may hold it; any may when the engine is not known."""
        return engine is None or not self.engines or engine in self.engines
