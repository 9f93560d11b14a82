"""Our folders, scripts and receipts: the exact commands."""

import json
import shlex
import subprocess
from pathlib import Path
from typing import Any

import pytest

from roles import lock, paths
from roles.base import layout, operations
from tests.roles.faked import Told, bare, lock_taken, on_host, told
from tests.roles.spec.nouns import Nouns


def test_folders(nouns: Nouns) -> None:
    found = told(operations.folders, nouns.chat(), bare(), weights_root="/data/weights")
    install = "install --directory --owner=root --group=root"
    opt, state = "/opt/metalserve", "/var/lib/metalserve"
    assert found.commands == [
        (
            f"{install} --mode=755 {opt} {opt}/stacks {opt}/releases {opt}/instances {opt}/tools "
            f"{opt}/cache {state} {state}/receipts /var/cache/metalserve /var/log/metalserve "
            "/data/weights",
            None,
        ),
        (f"{install} --mode=700 {state}/secrets {state}/jobs", None),
    ]


def test_scripts(nouns: Nouns) -> None:
    folder = f"/opt/metalserve/hostside-{layout.hostside_digest()[:12]}"
    link = "/opt/metalserve/hostside"
    assert told(operations.hostside_scripts, nouns.chat(), bare()).commands == [
        (
            f"rm -rf {folder}.new && mkdir -p {folder}.new"
            f" && base64 -d | tar -xz -C {folder}.new --no-same-owner"
            f" && sync -f {folder}.new"
            f" && if [ -e {folder} ] ; then"
            f" ln -sfn {folder}.new {link}.new && mv -Tf {link}.new {link}"
            f" && rm -rf {folder} && cp -a {folder}.new {folder} && sync -f {folder}"
            f" && ln -sfn {folder} {link}.new && mv -Tf {link}.new {link}"
            f" && rm -rf {folder}.new ;"
            f" else mv -T {folder}.new {folder}"
            f" && ln -sfn {folder} {link}.new && mv -Tf {link}.new {link} ; fi",
            layout.hostside_archive(),
        )
    ]


ACCOUNTS = "getent passwd metalserve-chat metalserve_agent ; getent group metalserve ; true"
USERADD = "useradd --system --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin {}"


@pytest.mark.parametrize(
    ("there", "commands"),
    [
        (
            "",
            [
                "groupadd --system metalserve",
                USERADD.format("metalserve-chat"),
                USERADD.format("metalserve_agent"),
            ],
        ),
        (
            "metalserve-chat:x:998:998::/nonexistent:/usr/sbin/nologin\nmetalserve:x:997:",
            [USERADD.format("metalserve_agent")],
        ),
        ("metalserve-chat:x:\nmetalserve_agent:x:\nmetalserve:x:997:", []),
    ],
)
def test_accounts(nouns: Nouns, there: str, commands: list[str]) -> None:
    users, groups = ["metalserve-chat", "metalserve_agent"], ["metalserve"]
    with on_host(nouns.chat(), bare(), fake_responses={ACCOUNTS: there}) as host:
        found = told(
            operations.accounts, nouns.chat(), bare(), host=host, users=users, groups=groups
        )
    assert found.commands == [(command, None) for command in commands]


def test_recovery(nouns: Nouns) -> None:
    """It has been asked before any instance starts: no start of one finds it at work."""
    assert told(operations.recovery, nouns.chat(), bare()).commands == [
        (
            "systemctl --no-reload enable --quiet metalserve-recover.service"
            " && systemctl daemon-reload && systemctl start metalserve-recover.service",
            None,
        )
    ]


def test_agent(nouns: Nouns) -> None:
    """Its socket moves only while no service has it."""
    assert told(operations.asked_agent, nouns.chat(), bare()).commands == [
        ("systemctl enable --quiet metalserve-agent.socket", None),
        ("systemctl stop metalserve-agent.service metalserve-agent.socket", None),
        ("systemctl start metalserve-agent.socket", None),
    ]


def test_scripts_arrive(nouns: Nouns, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The same command by a real shell: twice, and over what an earlier version left."""
    opt = tmp_path / "my opt"
    monkeypatch.setattr(paths, "HOSTSIDE", f"{opt}/hostside")
    (opt / "hostside-0").mkdir(parents=True)
    (opt / "hostside").symlink_to("hostside-0")
    ((command, archive),) = told(operations.hostside_scripts, nouns.chat(), bare()).commands
    for _ in range(2):
        subprocess.run(["sh", "-c", command], input=str(archive), text=True, check=True)
        found = {path.name: path.read_bytes() for path in (opt / "hostside").iterdir()}
        assert found == layout.hostside_files()
    current = f"hostside-{layout.hostside_digest()[:12]}"
    assert sorted(path.name for path in opt.iterdir()) == sorted(
        ["hostside", "hostside-0", current]
    )


def test_receipt(nouns: Nouns) -> None:
    given: dict[str, Any] = {
        "phase": "prepare",
        "digest": "d" * 64,
        "managed": ["/a b"],
        "python": "/usr/bin/py",
    }
    found = told(operations.receipt, nouns.chat(), bare(), **given)
    receipts = "/usr/bin/py /opt/metalserve/hostside/receipts.py write prepare"
    assert found.commands == [(receipts, json.dumps({"digest": "d" * 64, "paths": ["/a b"]}))]


def test_receipt_that_holds(nouns: Nouns) -> None:
    found = told(operations.held_receipt, nouns.chat(), bare(), phase="prepare")
    assert found == Told(commands=[], noops=["the receipt of prepare holds"])


def test_lock_of_a_dead_run_is_taken_over_where_nothing_is_to_be_done(nouns: Nouns) -> None:
    with subprocess.Popen(["true"]) as process:
        dead = process.pid
    left = {**lock.owner(), "run": "r0000000", "pid": dead, "who": "bob@desk", "since": 1.0}
    found = told(operations.held_receipt, nouns.chat(), bare() | {"lock": left}, phase="prepare")
    assert found.commands == [lock_taken(over="r0000000")]
    alive = left | {"pid": lock.owner()["pid"]}
    found = told(operations.held_receipt, nouns.chat(), bare() | {"lock": alive}, phase="prepare")
    assert found.commands == []


def test_values_are_quoted(nouns: Nouns) -> None:
    """A path with a space stays one word."""
    found = told(operations.folders, nouns.chat(), bare(), weights_root="/data/my weights")
    assert shlex.split(found.commands[0][0])[-1] == "/data/my weights"
