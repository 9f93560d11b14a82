"""Who may be sent requests, and when gateways have noticed."""

import sys
import time
from pathlib import Path

import durable
import places
import pytest
import rotation


@pytest.fixture
def asked(tree: Path) -> None:
    """Gateways ask so often that a test can wait for it."""
    durable.write_json(places.agent(), {"asked_every_s": 0.05})


def _told(monkeypatch: pytest.MonkeyPatch, *words: str) -> None:
    monkeypatch.setattr(sys, "argv", ["rotation.py", *words])
    rotation.main()


def test_host_that_no_gateway_asks(tree: Path) -> None:
    said: list[str] = []
    rotation.leave("chat", "an activation is at work")
    rotation.wait(said.append)
    assert (rotation.why_out("chat"), said) == ([], [])
    assert not Path(places.out()).exists()


@pytest.mark.usefixtures("asked")
def test_out_and_in_again() -> None:
    rotation.leave("chat", "an activation is at work")
    assert rotation.why_out("chat") == ["an activation is at work"]
    assert rotation.why_out("draw") == []
    rotation.join("chat")
    rotation.join("chat")
    assert rotation.why_out("chat") == []


@pytest.mark.usefixtures("asked")
def test_waits_twice_as_long_as_gateways_do() -> None:
    said: list[str] = []
    began = time.monotonic()
    rotation.wait(said.append)
    assert time.monotonic() - began >= 0.1
    assert said == ["waiting: gateways notice within 0 s"]


@pytest.mark.usefixtures("asked")
def test_by_hand(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """An activation that ends does not take it back."""
    Path(places.instance("chat")).mkdir(parents=True)
    _told(monkeypatch, "leave", "chat", "a fan is loud")
    rotation.leave("chat", "an activation is at work")
    _told(monkeypatch, "show")
    rotation.join("chat")
    assert rotation.why_out("chat") == ["a fan is loud"]
    _told(monkeypatch, "join", "chat")
    assert rotation.why_out("chat") == []
    _told(monkeypatch, "show")
    assert capsys.readouterr().out.splitlines() == [
        "chat is out of rotation; gateways notice within 0 s",
        "chat is out of rotation: a fan is loud; an activation is at work",
        "chat is in rotation whenever its unit is up",
    ]


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("leave", "nobody", "why"), "nobody: there is no such instance here"),
        (("leave", "chat"), "usage: rotation.py leave INSTANCE WHY | join INSTANCE | show"),
        ((), "usage: rotation.py leave INSTANCE WHY | join INSTANCE | show"),
    ],
)
def test_wrong_words(
    tree: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], why: str
) -> None:
    with pytest.raises(SystemExit, match=why.replace("|", r"\|")):
        _told(monkeypatch, *words)


@pytest.mark.usefixtures("asked")
def test_note_that_cannot_be_taken_back_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """After the commit there is no way back for such a reason."""
    Path(places.out()).write_text("in the way of the folder")
    rotation.join("chat")
