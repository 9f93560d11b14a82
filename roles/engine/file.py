"""A rendered file of a release."""

from dataclasses import dataclass


@dataclass(frozen=True)
class File:
    """Its text, and its mode in octal digits."""

    text: str
    mode: str
