"""A host out of rotation: all of its instances, over reboots, until somebody says otherwise."""

import json
import shutil
import socket
import sys
from pathlib import Path

import durable
import places
import pytest
import quarantine
import rotation

TOLD = {"why": "a fan is loud", "who": "me@desk"}


@pytest.fixture(autouse=True)
def instances(tree: Path) -> None:
    for name in ("chat", "draw"):
        Path(places.instance(name)).mkdir(parents=True)


def test_mark_where_no_gateway_asks() -> None:
    assert quarantine.begin(TOLD) == (
        "chat, draw: in quarantine (a fan is loud); it is a mark alone, as no gateway asks this "
        "host: clients reach what runs here"
    )
    # A boot forgets what lies in memory, and that alone.
    shutil.rmtree(places.out(), ignore_errors=True)
    assert rotation.why_out("chat") == rotation.why_out("draw") == ["a fan is loud"]
    assert rotation.why_kept_out("chat") == ["a fan is loud"]
    (line,) = Path(places.AUDIT).read_text().splitlines()
    noted = json.loads(line)
    assert (noted["who"], noted["what"], noted["result"]) == (
        "me@desk", "quarantine chat, draw: a fan is loud", "out",
    )  # fmt: skip


def test_gateways_notice() -> None:
    durable.write_json(places.agent(), {"asked_every_s": 2})
    said = quarantine.begin(TOLD)
    assert said == "chat, draw: in quarantine (a fan is loud); gateways notice within 4 s"


def test_agent_that_is_silent() -> None:
    """Gateways go on as they were told last: nobody is to think that the host is out."""
    with socket.socket() as asked:
        asked.bind(("127.0.0.1", 0))
        port = asked.getsockname()[1]
    told = {"asked_every_s": 2, "address": "127.0.0.1", "port": port}
    durable.write_json(places.agent(), told)
    with pytest.raises(OSError, match="gateways go on sending requests") as refused:
        quarantine.begin(TOLD)
    assert str(refused.value) == (
        f"chat, draw is marked, but gateways go on sending requests: the agent on port {port} does "
        "not answer (Connection refused); systemctl restart metalserve-agent.socket"
    )
    assert rotation.why_kept_out("chat") == ["a fan is loud"]


def test_end_leaves_an_activation_its_own_note() -> None:
    durable.write_json(places.agent(), {"asked_every_s": 2})
    quarantine.begin(TOLD)
    rotation.leave("chat", "an activation is at work")
    assert quarantine.end({"who": "me@desk"}) == "chat, draw: in rotation whenever its unit is up"
    assert rotation.why_out("chat") == ["an activation is at work"]
    assert rotation.why_out("draw") == []


def test_end_where_another_host_has_it_out() -> None:
    """Of an instance over several hosts, which clients get no answers from without that one."""
    quarantine.begin(TOLD)
    durable.write_json(places.out_there("chat"), {"why": ["10.0.0.2: the rack is moved"]})
    assert quarantine.end({"who": "me@desk"}).splitlines() == [
        "chat, draw: in rotation whenever its unit is up",
        "chat is still out: 10.0.0.2: the rack is moved",
    ]


def test_words(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("begin", "end", "end"):
        monkeypatch.setattr(sys, "argv", ["quarantine.py", verb, json.dumps(TOLD)])
        quarantine.main()
    first, *others = capsys.readouterr().out.splitlines()
    assert first.startswith("chat, draw: in quarantine (a fan is loud); ")
    assert others == ["chat, draw: in rotation whenever its unit is up"] * 2
    Path(places.STATE, "out").rmdir()
    Path(places.STATE, "out").write_text("in the way of the folder")
    monkeypatch.setattr(sys, "argv", ["quarantine.py", "begin", json.dumps(TOLD)])
    with pytest.raises(SystemExit, match=r"File exists: '.*/out'"):
        quarantine.main()
