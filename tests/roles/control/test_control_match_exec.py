"""An operator's ``Match exec`` counts, without what paramiko would run its command with."""

from importlib.util import find_spec

import pytest
from paramiko import SSHConfig, config

from roles import control

TEXT = """
Match exec "test %h = gpu-1.example"
    User one
Match !exec "echo said; test %h = gpu-1.example"
    User other
"""


@pytest.mark.parametrize(("host", "user"), [("gpu-1.example", "one"), ("gpu-2.example", "other")])
def test_match_exec(
    host: str, user: str, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(config, "invoke", None)
    control.run_match_exec()
    assert SSHConfig.from_text(TEXT).lookup(host)["user"] == user
    assert capfd.readouterr().out == ""


def test_what_paramiko_has_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    theirs = object()
    monkeypatch.setattr(config, "invoke", theirs)
    control.run_match_exec()
    assert vars(config)["invoke"] is theirs


def test_it_is_left_out_here() -> None:
    """Each run would import it, which takes a tenth of one over few hosts."""
    assert find_spec("invoke") is None
