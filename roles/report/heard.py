"""The last lines that an operator was shown of each host, as they were shown."""

import logging
import re
from collections import deque
from collections.abc import Callable
from typing import Any

from pyinfra import logger
from pyinfra.api import output

LINES, _WIDTH = 40, 500
_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"\s*\[([^]]+)\]\s*(.*)")
# What pyinfra says of a step is known without it; what it runs there is for -vv alone.
_PYINFRAS = ("Error: executed ", ">>> ")


class Ear(logging.Handler):
    """Hears what is shown on its way to the terminal, and keeps the end of it by host."""

    def __init__(self) -> None:
        # Whatever pyinfra warns of; what goes well it says in words of its own.
        super().__init__(logging.WARNING)
        self.said: dict[str, deque[str]] = {}
        self.shown: Callable[..., None] = output._echo

    def open(self) -> None:
        """Listen from now on."""
        self.shown = output._echo
        output.set_echo(self.echoed)
        logger.addHandler(self)

    def close(self) -> None:
        """Listen no more."""
        logger.removeHandler(self)
        if output._echo == self.echoed:
            output.set_echo(self.shown)
        super().close()

    def emit(self, record: logging.LogRecord) -> None:
        """See ``logging.Handler``."""
        self.hear(record.getMessage() if record.args else str(record.msg))

    def echoed(self, message: Any = None, **how: Any) -> None:
        """Show a line as it would have been, having heard it."""
        self.hear(str(message))
        self.shown(message, **how)

    def hear(self, message: str) -> None:
        """Keep what was said of a host; more lines than one are of the host of the first."""
        found = _LINE.match(_STYLE.sub("", message).split("\n", 1)[0])
        if not found:
            return
        host, first = found.groups()
        lines = [first, *_STYLE.sub("", message).split("\n")[1:]]
        kept = self.said.setdefault(host, deque(maxlen=LINES))
        kept.extend(line[:_WIDTH].rstrip() for line in lines if not line.startswith(_PYINFRAS))

    def forget(self, host: str) -> None:
        """Begin anew with a host."""
        self.said.pop(host, None)

    def last(self, host: str, most: int = LINES) -> list[str]:
        """Return the last lines of a host."""
        return list(self.said.get(host, ()))[-most:]
