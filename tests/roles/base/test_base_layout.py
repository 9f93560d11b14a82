"""What a prepared host has from us, and the digest that changes with every part of it."""

import base64
import json
import sys
import zlib
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path

import pytest

from roles import job, templates
from roles.base import layout
from roles.spec import Agent, HostSpec, Rsync
from tests.roles.preflight import plans
from tests.roles.spec.nouns import Nouns

HERE = Path(__file__).parent


def _two(nouns: Nouns) -> HostSpec:
    draw = nouns.instance(name="draw", devices=(1,), port=8001)
    return nouns.host(nouns.instance(), draw)


def test_archive_holds_every_script() -> None:
    found = json.loads(zlib.decompress(base64.b64decode(layout.hostside_archive())))
    ours = {path.name: path.read_text() for path in job.FOLDER.glob("*.py")}
    assert {name: found[name] for name in ours} == ours
    assert sorted(set(found) - set(ours)) == ["pynvml.py"]
    assert {"activate.py", "jobs.py", "lock.py", "ready.py", "places.py"} <= set(found)


def test_archive_is_one_line() -> None:
    """The host's script reads it as such."""
    assert "\n" not in layout.hostside_archive()


def test_units(nouns: Nouns) -> None:
    spec = nouns.host(nouns.instance(), python="/opt/python3.12/bin/python3")
    found = layout.units(spec)
    assert list(found) == ["metalserve-recover.service", "metalserve-vllm@.service"]
    recover = found["metalserve-recover.service"]
    assert recover == (HERE / "metalserve-recover.service").read_text()
    assert list(layout.units(nouns.host())) == ["metalserve-recover.service"]


def test_packages_and_users(nouns: Nouns) -> None:
    stack = nouns.stack(os_packages=("g++", "ca-certificates"))
    spec = nouns.host(nouns.instance(stack=stack), nouns.instance(name="draw", stack=stack))
    assert layout.packages(spec) == ["ca-certificates", "g++", "iproute2", "python3-venv"]
    assert layout.users(spec) == ["metalserve-chat", "metalserve-draw"]


def test_agent(nouns: Nouns) -> None:
    """Where gateways ask: a socket, its service, a user without rights, and how often they ask."""
    spec = nouns.host(
        nouns.instance(), agent=Agent(address=ip_address("10.0.0.1"), port=4000, asked_every_s=3)
    )
    units = layout.units(spec)
    assert list(units)[-2:] == ["metalserve-agent.socket", "metalserve-agent.service"]
    assert "ListenStream=10.0.0.1:4000\n" in units["metalserve-agent.socket"]
    assert "User=metalserve_agent\n" in units["metalserve-agent.service"]
    # No instance can be called so.
    assert layout.users(spec) == ["metalserve-chat", "metalserve_agent"]
    assert "dbus" in layout.packages(spec)
    told = '{"address": "0.0.0.0", "asked_every_s": 2, "port": 29651}\n'
    assert layout.agent_told(Agent()) == told
    assert layout.managed(spec)[-2:] == [
        "/var/lib/metalserve/agent.json",
        "/etc/systemd/system/sockets.target.wants/metalserve-agent.socket",
    ]
    six = layout.units(nouns.host(agent=Agent(address=ip_address("fd00::1"))))
    assert "ListenStream=[fd00::1]:29651\n" in six["metalserve-agent.socket"]


def test_digest_changes_with_how_often_gateways_ask(nouns: Nouns) -> None:
    agents = (None, Agent(), Agent(asked_every_s=3), Agent(port=4000))
    assert len({layout.digest_of(nouns.host(agent=one)) for one in agents}) == 4


def test_group_of_those_who_read_what_is_given_to_a_user(nouns: Nouns) -> None:
    assert layout.groups(nouns.chat()) == []
    assert layout.groups(plans.mindie()) == ["metalserve"]
    # Nobody's own group is called like it.
    assert "metalserve" not in layout.users(plans.mindie())


def test_packages_for_a_depot(nouns: Nouns) -> None:
    key = "ssh-ed25519 AAAA"
    depot = Rsync(host="depot", user="models", path="/srv/models", host_key=key)
    spec = nouns.chat(weights=nouns.weights(sources=(depot,)))
    assert layout.packages(spec) == [
        "ca-certificates", "iproute2", "openssh-client", "python3-venv", "rsync",
    ]  # fmt: skip


def test_managed(nouns: Nouns) -> None:
    """The receipt names every folder, script and unit, and the link that enables recovery."""
    units = "/etc/systemd/system"
    names = [*sorted(path.name for path in job.FOLDER.glob("*.py")), "pynvml.py"]
    scripts = [f"/opt/metalserve/hostside/{name}" for name in names]
    assert layout.managed(nouns.chat()) == [
        "/opt/metalserve",
        "/opt/metalserve/stacks",
        "/opt/metalserve/releases",
        "/opt/metalserve/instances",
        "/opt/metalserve/tools",
        "/opt/metalserve/cache",
        "/var/lib/metalserve",
        "/var/lib/metalserve/receipts",
        "/var/cache/metalserve",
        "/var/log/metalserve",
        "/var/lib/metalserve/secrets",
        "/var/lib/metalserve/jobs",
        "/srv/metalserve/weights",
        "/opt/metalserve/hostside",
        *scripts,
        f"{units}/metalserve-recover.service",
        f"{units}/metalserve-vllm@.service",
        f"{units}/multi-user.target.wants/metalserve-recover.service",
    ]


CHANGES: dict[str, Callable[[Nouns], HostSpec]] = {
    "another python": lambda n: n.host(n.instance(), python="/usr/bin/python3.12"),
    "another root": lambda n: n.host(n.instance(), weights_root="/data/weights"),
    "another instance": _two,
    "another user": lambda n: n.chat(name="talk"),
    "another package": lambda n: n.chat(stack=n.stack(os_packages=("g++",))),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_digest_changes(nouns: Nouns, change: Callable[[Nouns], HostSpec]) -> None:
    assert layout.digest_of(change(nouns)) != layout.digest_of(nouns.chat())


def test_digest_does_not_change(nouns: Nouns) -> None:
    """What an instance serves, and where, is no matter of preparing."""
    other = nouns.chat(port=9000, options=nouns.options(max_num_seqs=1))
    assert layout.digest_of(other) == layout.digest_of(nouns.chat())


def test_digest_changes_with_a_unit(
    nouns: Nouns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = layout.digest_of(nouns.chat())
    render = templates.render
    monkeypatch.setattr(
        templates,
        "render",
        lambda name, **values: render(name, **values).replace("TimeoutStopSec=30", ""),
    )
    assert layout.digest_of(nouns.chat()) != before


def test_digest_changes_with_a_script(
    nouns: Nouns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, folder = layout.digest_of(nouns.chat()), job.FOLDER
    for path in folder.glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text())
    monkeypatch.setattr(sys.modules["roles.job.program"], "FOLDER", tmp_path)
    for read_once in (layout.hostside_files, layout.hostside_digest):
        monkeypatch.setattr(layout, read_once.__name__, read_once.__wrapped__)
    assert layout.digest_of(nouns.chat()) == before
    (tmp_path / "lock.py").write_text((folder / "lock.py").read_text() + "\n")
    assert layout.digest_of(nouns.chat()) != before
