"""The two ways of saying no: to whoever starts the server, and to whoever asks it."""

from __future__ import annotations


class StartError(Exception):
    """The server cannot start; the text is the last line of its traceback."""


class RequestError(Exception):
    """A request is answered with an error, in the shape of the engine's."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        kind: str = "BadRequestError",
        param: str | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.kind = kind
        self.param = param
