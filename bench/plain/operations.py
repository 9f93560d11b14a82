"""An operation that finds nothing to do."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FactBase, StringCommand, operation


class Answer(FactBase[str]):
    """What a host answers to the command of a probe, as it is."""

    def command(self) -> StringCommand:
        """See ``FactBase``."""
        return StringCommand("echo", "no probe")


@operation()
def nothing() -> Generator[StringCommand, None, None]:
    """Nothing is done."""
    host.noop("nothing to do")
    yield from ()
