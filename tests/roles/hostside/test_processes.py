"""A process is its unit's, wherever below it sits."""

from pathlib import Path

import processes
import pytest


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        ("0::/system.slice/ssh.service\n", "ssh.service"),
        (
            "0::/system.slice/system-metalserve\\x2dvllm.slice/metalserve-vllm@chat.service/ray\n",
            "metalserve-vllm@chat.service",
        ),
        ("0::/system.slice/docker-5f2b.scope/init.scope\n", "docker-5f2b.scope"),
        (
            "0::/user.slice/user-0.slice/user@0.service/app.slice/a.service\n",
            "user@0.service",
        ),
        ("12:devices:/user.slice\n1:name=systemd:/system.slice/a:b.service\n0::/\n", "a:b.service"),
        ("0::/user.slice\n", None),
        ("0::/\n", None),
    ],
)
def test_unit(tmp_path: Path, cgroup: str, unit: str | None) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text(cgroup)
    assert processes.unit_of(7, str(tmp_path)) == unit


def test_process_that_is_gone(tmp_path: Path) -> None:
    assert processes.unit_of(7, str(tmp_path)) is None
    assert processes.name_of(7, str(tmp_path)) is None
