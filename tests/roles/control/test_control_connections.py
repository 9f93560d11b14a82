"""What a run over many hosts is allowed of this machine, before it connects to the first."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from roles.control import connections

ROOT = Path(__file__).parents[3]
_FEW = 'few = [(f"gpu-{n}", {"ssh_hostname": "127.0.0.1", "ssh_port": 1}) for n in range(60)]\n'


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A process that may have 1024 open files, or 4096 if it asks; what it asked for."""
    asked: list[int] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 4096))
    monkeypatch.setattr(resource, "setrlimit", lambda _, wanted: asked.extend(wanted))
    return asked


@pytest.mark.parametrize(("hosts", "asked"), [(884, []), (885, [1025, 4096]), (3956, [4096, 4096])])
def test_limit_is_raised_as_far_as_is_needed(
    limits: list[int], hosts: int, asked: list[int]
) -> None:
    connections.allow(hosts=hosts, beside=140)
    assert limits == asked


def test_limit_that_cannot_be_raised_so_far(limits: list[int]) -> None:
    with pytest.raises(SystemExit) as refused:
        connections.allow(hosts=3957, beside=140)
    assert refused.value.code == (
        "open files: 3957 hosts need 4097 at once, this process may have 4096; raise its hard "
        "limit (ulimit -n 4097, or LimitNOFILE= of its unit), or run over some of the hosts at a "
        "time, with --limit"
    )
    assert limits == []


def test_nobody_is_connected_to_when_not_all_can_be(tmp_path: Path) -> None:
    inventory = tmp_path / "few.py"
    inventory.write_text(_FEW)
    pyinfra = str(Path(sys.executable).with_name("pyinfra"))
    ran = subprocess.run(
        ["sh", "-c", 'ulimit -n 64; exec "$@"', "sh", pyinfra, "-y", inventory, "deploy/check.py"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "open files: 60 hosts need 178 at once, this process may have 64; raise" in ran.stderr
    assert "Connecting to hosts" not in ran.stderr
    assert not (tmp_path / "reports").exists()
