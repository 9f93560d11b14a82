"""Further words of a command line that no engine's options may hold."""

import re
from collections.abc import Collection, Iterator, Sequence

from roles.spec.base import Fault


def refusals(words: Sequence[str], rendered: Collection[str]) -> Iterator[Fault]:
    """
    What must not be among further words, however it is spelled.

    :param rendered: options that are made from the spec, without their dashes
    """
    # What follows a flag may be a key: it is not shown. Parsers take underscores for dashes.
    flags = (re.split("[=.]", word)[0].replace("_", "-") for word in words)
    for flag in dict.fromkeys(flags):
        if flag == "--trust-remote-code":
            yield Fault(
                path="extra",
                wrong=f"{flag} would run code that came with the weights",
                right="leave it out and use a revision without remote code",
            )
        if flag.startswith("-") and flag.lstrip("-") in rendered:
            yield Fault(
                path="extra",
                wrong=f"{flag} is rendered from the spec",
                right="leave it out and set the field that says it",
            )
