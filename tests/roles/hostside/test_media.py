"""What is too long to be sent lies there as a file, for one user and for one question."""

import base64
import os
import pwd
from pathlib import Path
from typing import Any

import media
import places
import pytest

ME = pwd.getpwuid(os.geteuid()).pw_name
TEXT = {"type": "text", "text": "What is this?"}


def _shown(kind: str, about: str, content: bytes) -> dict[str, Any]:
    url = f"data:{about};base64,{base64.b64encode(content).decode()}"
    return {"type": kind, kind: {"url": url}}


@pytest.fixture(autouse=True)
def run(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in the place of ``/run/metalserve``."""
    monkeypatch.setattr(places, "RUN", str(tree / "run"))
    return tree / "run/shown"


def test_what_fits_is_sent(run: Path) -> None:
    content = [_shown("image_url", "image/png", b"x" * 3_000_000), TEXT]
    with media.sent(content, ME) as sent:
        assert sent is content
    assert not run.exists()


def test_no_other_server_has_that_bound(run: Path) -> None:
    content = [_shown("image_url", "image/png", b"x" * 4_000_000), TEXT]
    with media.sent(content, None) as sent:
        assert sent is content


@pytest.mark.parametrize(
    ("kind", "about", "suffix"),
    [("image_url", "image/jpeg", ".jpeg"), ("video_url", "video/mp4", ".mp4")],
)
def test_what_is_too_long_is_a_file_while_it_is_asked(
    run: Path, kind: str, about: str, suffix: str
) -> None:
    bytes_ = bytes(range(256)) * 13000
    content = [_shown(kind, about, bytes_), TEXT]
    with media.sent(content, ME) as (shown, text):
        assert text is TEXT
        assert shown["type"] == kind
        path = Path(shown[kind]["url"].removeprefix("file://"))
        assert (path.parent, path.suffix) == (run, suffix)
        assert path.read_bytes() == bytes_
        found = path.stat()
        assert (found.st_mode & 0o777, found.st_uid) == (0o400, os.geteuid())
        assert run.stat().st_mode & 0o777 == 0o755
    assert list(run.iterdir()) == []


def test_nothing_is_left_when_the_question_fails(run: Path) -> None:
    content = [_shown("image_url", "image/png", b"x" * 4_000_000), TEXT]
    with pytest.raises(TimeoutError), media.sent(content, ME):
        raise TimeoutError
    assert list(run.iterdir()) == []


def test_user_that_is_not_there_is_told(run: Path) -> None:
    content = [_shown("image_url", "image/png", b"x" * 4_000_000), TEXT]
    with (
        pytest.raises(KeyError, match="metalserve-nobody"),
        media.sent(content, "metalserve-nobody"),
    ):
        pass
    assert list(run.iterdir()) == []
