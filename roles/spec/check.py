"""A question to a running server, and what its answer must hold."""

from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from pydantic import Field

from roles.spec.base import Fault, Name, Spec, a


class Kind(StrEnum):
    """What is asked."""

    TEXT = "text"
    STREAM = "stream"
    """Text, answered token by token; the time to the first one is reported."""
    IMAGE = "image"
    VIDEO = "video"
    ERROR = "error"
    """A malformed request: it must be refused with a 4xx and leave the server alive."""


class Match(StrEnum):
    """How an answer is held against what is expected."""

    EXACT = "exact"
    CONTAINS = "contains"
    """Somewhere in the answer, in any case."""


_MEDIA_TYPES = {
    Kind.IMAGE: {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg"},
    Kind.VIDEO: {".mp4": "video/mp4"},
}


class Check(Spec):
    """
    A question and its answer.

    :param file: the image (PNG, JPEG) or video (MP4) that goes with the question
    :param within_s: seconds after which the lack of an answer is a failure
    """

    name: Name
    kind: Kind
    prompt: str = Field(min_length=1)
    file: Path | None = None
    expect: str = ""
    match: Match = Match.CONTAINS
    max_tokens: int = Field(default=32, ge=1, le=4096)
    within_s: float = Field(default=60, gt=0, le=3600)

    @property
    def media_type(self) -> str | None:
        """What the file is, by its name; ``None`` when it is not of the check's kind."""
        suffix = self.file.suffix.lower() if self.file else ""
        return _MEDIA_TYPES.get(self.kind, {}).get(suffix)

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if self.kind in (Kind.IMAGE, Kind.VIDEO):
            if self.file is None:
                yield Fault(
                    path="file",
                    wrong=f"is missing from {a(self.kind)} check",
                    right=f"name the {self.kind} that the question is about",
                )
            elif not self.file.is_file():
                yield Fault(
                    path="file",
                    wrong=f"{self.file} does not exist",
                    right="name a file on this machine",
                )
            elif self.media_type is None:
                yield Fault(
                    path="file",
                    wrong=f"{self.file.name} is no {self.kind} that can be sent",
                    right=f"should end in {' or '.join(_MEDIA_TYPES[self.kind])}",
                )
        elif self.file is not None:
            yield Fault(
                path="file",
                wrong=f"is given to {a(self.kind)} check",
                right="make it an image or a video check, or leave the file out",
            )
        if self.kind is not Kind.ERROR and not self.expect:
            yield Fault(
                path="expect",
                wrong="is empty, so that any answer would pass",
                right="say what the answer must hold",
            )
