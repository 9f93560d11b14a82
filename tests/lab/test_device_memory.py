"""
The memory of a GPU is free again before the next engine starts.

The card, its library and both engines are stand-ins (``tests/standins``); that a process is gone
before its memory is, the test sees to.
"""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab, LabHost
from tests.lab import fixtures
from tests.lab.conftest import PREFIX
from tests.lab.ollama_site import EXPECTED, OLLAMA, VLLM, active, answered, defined
from tests.lab.site import current
from tests.standins.nvidia import build, gpus

pytestmark = pytest.mark.lab

DRIVER = "580.95.05"
STATE = "/run/standin-nvidia/state"


@pytest.fixture(scope="module")
def gpu_host(lab: Lab) -> Iterator[LabHost]:
    """A host of this module's own with one card, whose driver is there from the start."""
    own = Lab(f"{PREFIX}{os.getpid()}memory")
    try:
        own.up(1)
        (host,) = own.hosts
        gpus.plug(host, [gpus.H200])
        folder = Path(host.disk.root) / "usr/lib/x86_64-linux-gnu"
        (folder / f"libnvidia-ml.so.{DRIVER}").write_bytes(build.library())
        (folder / build.SONAME).symlink_to(f"libnvidia-ml.so.{DRIVER}")
        loaded = host.run(
            f"mkdir -p {Path(STATE).parent} && {{ echo driver={DRIVER}; echo cuda=13000;"
            f" cat /usr/lib/standin/nvidia/gpus; }} > {STATE}"
        )
        assert loaded.returncode == 0, loaded.stderr
        yield host
    finally:
        own.destroy()


def test_the_next_engine_waits_for_the_memory(
    gpu_host: LabHost, wheels: Path, tmp_path: Path
) -> None:
    site = fixtures.site([gpu_host], tmp_path / "site", wheels)
    site.accelerator = "cuda"
    site.stack = site.stack.replace('"cpu"', '"cuda", driver="570.0"')
    site.options = {"VLLM_CPU_KVCACHE_SPACE": "1"}
    site.imports = defined(site, gpu=True)
    site.want("(_ollama,)")
    done = site.run("main")
    assert done.code == 0, done.said
    assert answered(gpu_host) == EXPECTED
    pid = holds_memory(gpu_host, mib=6000, longer_s=3)

    site.want("(_instance(model='qwen3:8b', api_key=None, devices=(0,)),)")
    moved = site.run("main")
    assert moved.code == 0, moved.said
    held = re.findall(r"freeing device memory: (\d+) MiB still held after", moved.said)
    assert held[0] == "6000", moved.said
    assert f"/proc/{pid}" not in gpu_host.run("ls -d /proc/[0-9]*").stdout.split()
    assert current(gpu_host).startswith("standin-0.32-")
    assert answered(gpu_host) == EXPECTED
    assert active(gpu_host, OLLAMA, VLLM) == ["inactive", "active"]


def holds_memory(host: LabHost, *, mib: int, longer_s: float) -> str:
    """Have Ollama's process hold memory of the card, until some time after its end."""
    pid = host.run("pgrep -f 'ollama runner'").stdout.strip()
    assert pid.isdecimal(), pid
    gpus.upset_gpu(host, 0, processes=f"{pid}:{mib}", used_mib=mib)
    script = (
        f"while [ -e /proc/{pid} ]; do sleep 0.1; done; sleep {longer_s};"
        f" sh /usr/lib/standin/nvidia/fact.sh {STATE} 0.processes= 0.used_mib=4"
    )
    done = host.run(f'systemd-run --collect --unit standin-memory sh -c "{script}"')
    assert done.returncode == 0, done.stderr
    return pid
