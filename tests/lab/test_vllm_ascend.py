"""
A bare host with Atlas 300I DUO serves with vLLM on its chips: driver, CANN, stack, answers.

Cards, vendor's packages, torch, vLLM and its plugin are stand-ins; the plugin refuses what the real
one refuses. The job that installs the stack, the unit and what was captured for it are real.
"""

import re
import shutil
from pathlib import Path

import pytest

from roles.lab import LabHost, places
from tests.lab.ascend_site import HOME, OLD, VENDOR, Site, pinned
from tests.lab.fixtures import WHEELS
from tests.lab.site import Run, changes, current
from tests.lab.waiting import AT_MOST_S
from tests.standins.ascend import build as vendor
from tests.standins.vllm_ascend import build

pytestmark = pytest.mark.lab

CANN = "9.0.0"
UNIT = "metalserve-vllm-ascend@chat.service"
CHAT = """(Instance(
    name="chat",
    stack=Stack(
        name="vllm-ascend-0.18-duo", engine="vllm-ascend", accelerator="ascend", version="0.18.0",
        python="3.11", command=("-m", "vllm.entrypoints.openai.api_server"), disk_gib=0.05,
        lock=Lock(file=Path({lock!r})),
        accepts=(Accepted(advisory="GHSA-94f4-hr76-p5j6", reason="a stand-in, in a laboratory"),),
        installers=({installers}),
    ),
    weights=canary.WEIGHTS, devices=(2, 3), port=8000, model="canary",
    api_key=Secret(env="TEST_API_KEY"),
    options=VllmOptions(
        engine="vllm-ascend", dtype={dtype!r}, max_model_len=1024, max_num_seqs=4,
        tensor_parallel_size=2, images=1, videos=1, {options}
    ),
    ready_within_s=300, drain_within_s=10,
),)"""
GRAPHS = """extra=(
    "--compilation-config", '{"cudagraph_mode": "FULL_DECODE_ONLY"}',
    "--additional-config", '{"ascend_compilation_config": {"enable_npugraph_ex": false}}',
)"""


class Served:
    """The site, and how its chat is served."""

    def __init__(self, site: Site, wheels: Path) -> None:
        self.site, self.host = site, site.host
        self.carried = site.folder / "vllm-ascend"
        shutil.copytree(wheels, self.carried)
        self.lock = build.build(self.carried, places.REPOSITORY / "canary/questions.json")
        target = Path(self.host.disk.root) / WHEELS.lstrip("/")
        shutil.copytree(self.carried, target, dirs_exist_ok=True)

    def wants(self, *, dtype: str = "float16", options: str = "enforce_eager=True") -> None:
        """Say how it is served."""
        hdk = vendor.hdk(self.site.vendor, driver=OLD[0], firmware=OLD[1])
        driver, firmware = map(pinned, hdk)
        cann = vendor.cann(self.site.vendor, version=CANN)
        self.site.want(
            f"AscendHdk(driver={driver}, firmware={firmware})",
            may_reboot=True,
            installers=f'HostFolder(path="{VENDOR}")',
            packages=f'Packages(folder="{WHEELS}")',
            instances=CHAT.format(
                lock=str(self.lock),
                installers=", ".join(map(pinned, cann)),
                dtype=dtype,
                options=options,
            ),
        )


@pytest.fixture(scope="module")
def made(ascend_site: Site, wheels: Path) -> Served:
    """A host that is bare, or has other stacks."""
    return Served(ascend_site, wheels)


@pytest.fixture(scope="module")
def served(made: Served) -> tuple[Served, Run]:
    """The same host, that serves: first made ready, through a reboot where it was bare."""
    made.wants()
    ready = made.site.run()
    assert ready.code == 0, ready.said
    return made, made.site.run(deploy="main")


def test_what_a_duo_cannot_is_refused(made: Served) -> None:
    """Before anything is brought, and every reason at once."""
    before = made.host.run("ls /opt/metalserve/stacks").stdout
    made.wants(dtype="bfloat16", options="")
    done = made.site.run(deploy="main")
    assert done.code == 1
    assert "which does not support bfloat16, wanted float16" in done.said
    assert "found graphs of another mode on an Atlas 300I DUO" in done.said
    assert made.host.run("ls /opt/metalserve/stacks").stdout == before


def test_bare_host_serves(served: tuple[Served, Run]) -> None:
    made, done = served
    assert done.code == 0, done.said
    assert "28 of 28 answers right" in done.said
    state = made.host.run(f"systemctl is-active {UNIT}").stdout.strip()
    assert state == "active"


def test_server_sees_what_was_captured_and_its_chips(served: tuple[Served, Run]) -> None:
    made, _ = served
    pid = made.host.run(f"systemctl show -P MainPID {UNIT}").stdout.strip()
    text = made.host.run(f"tr '\\0' '\\n' < /proc/{pid}/environ").stdout
    seen = dict(line.split("=", 1) for line in text.splitlines())
    assert seen["ASCEND_RT_VISIBLE_DEVICES"] == "2,3"
    assert seen["ASCEND_HOME_PATH"] == f"{HOME}/cann-{CANN}"
    assert seen["ATB_HOME_PATH"] == f"{HOME}/nnal/atb/{CANN}/atb/cxx_abi_1"
    assert seen["TASK_QUEUE_ENABLE"] == "1"
    first, *others = seen["LD_LIBRARY_PATH"].split(":")
    assert first.endswith("/stack/venv/lib/python3.11/site-packages/torch/lib")
    assert f"{HOME}/driver/lib64/common" in others
    assert not any("/latest" in part for part in others)
    held = made.host.run(f"readlink /proc/{pid}/fd/* /proc/{pid}/cwd").stdout.split()
    assert sorted({Path(path).name for path in held if "davinci" in path}) == [
        "davinci2", "davinci3", "davinci_manager",
    ]  # fmt: skip
    assert held[-1].startswith("/var/cache/metalserve/chat/vllm-ascend-0.18-duo-")
    table = made.host.run("npu-smi info").stdout
    assert len(re.findall(rf"\| {pid} +\| VLLM::Worker_TP", table)) == 2, table


def test_second_run_changes_nothing(served: tuple[Served, Run]) -> None:
    made, _ = served
    again = made.site.run(deploy="main")
    assert again.code == 0, again.said
    assert changes(again.report) == []


def test_graphs_are_another_release(served: tuple[Served, Run]) -> None:
    """And the one before is as near as ever."""
    made, _ = served
    eager = current(made.host)
    made.wants(options=GRAPHS)
    done = made.site.run(deploy="main")
    assert done.code == 0, done.said
    assert "28 of 28 answers right" in done.said
    graphs = current(made.host)
    assert graphs != eager
    back = made.site.run(deploy="rollback")
    assert back.code == 0, back.said
    assert current(made.host) == eager


def test_without_what_was_captured_nothing_starts(served: tuple[Served, Run]) -> None:
    """A server of another environment would be one that nobody knows."""
    made, _ = served
    link = "/opt/metalserve/instances/chat/current/ascend"
    made.host.run(f"systemctl stop {UNIT} && mv $(readlink -f {link}) /tmp/captured")
    assert made.host.run(f"systemctl start {UNIT}").returncode != 0
    done = made.site.run(deploy="main")
    assert done.code == 0, done.said
    assert _answers(made.host)


def _answers(host: LabHost) -> bool:
    said = host.run("python3 /opt/metalserve/hostside/ask.py chat", timeout_s=AT_MOST_S).stdout
    return '"passed": false' not in said and '"passed": true' in said
