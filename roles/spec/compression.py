"""What a host makes of pinned weights before they are served."""

from enum import StrEnum


class Compression(StrEnum):
    """How an instance's weights are compressed on its host, for the chips that share them."""

    W8A8SC = "w8a8sc"
    """From msModelSlim's W8A8S, for MindIE on an Atlas 300I DUO."""
