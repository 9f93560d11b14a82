"""The two ways of saying no: to whoever starts the server, and to whoever asks it."""

from __future__ import annotations


class StartError(Exception):
    """The server cannot start; the text is what it says after ``Error:``."""


class RequestError(Exception):
    """A request is answered with an error."""

    def __init__(self, message: str, *, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
