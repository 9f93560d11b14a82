"""A secret by name: where the control machine finds it, never what it is."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

from pydantic import Field

from roles.spec.base import Fault, Spec, spelled

_Variable = Annotated[
    str, spelled(r"[A-Za-z_][A-Za-z0-9_]*", "should be the name of a variable, not its value")
]


class Secret(Spec):
    """
    Exactly one place on the control machine to read a secret from, at use.

    :param env: the name of an environment variable
    :param file: a file; white space at its end does not count
    :param command: words of a command whose output is the secret, so that vaults plug in
    """

    env: _Variable | None = Field(default=None, repr=False)
    file: Path | None = None
    command: tuple[str, ...] = Field(default=(), repr=False)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        given = [name for name in ("env", "file", "command") if getattr(self, name)]
        if len(given) != 1:
            wrong = f"has {' and '.join(given)}" if given else "names no place to read it from"
            yield Fault(path="", wrong=wrong, right="give exactly one of env, file, command")
