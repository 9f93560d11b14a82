"""Further words and variables of an engine that its options may not hold."""

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


def rendered_variables(environment: Collection[str], rendered: Collection[str]) -> Iterator[Fault]:
    """
    What must not be among further variables.

    :param rendered: variables that are made from the spec
    """
    for name in environment:
        if name in rendered:
            yield Fault(
                path="environment",
                wrong=f"{name} is rendered from the spec",
                right="leave it out and set the field that says it",
            )
