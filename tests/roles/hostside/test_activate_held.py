"""The memory of devices between two servers: freed before the next starts, or told who keeps it."""

import sys
from typing import Any

import held
import processes
import pytest

from tests.roles.hostside.binding import Binding, gpu, process
from tests.roles.hostside.staged import UNIT, Host
from tests.standins.systemctl.answering import Manner

OLLAMA = "metalserve-ollama@chat.service"


@pytest.fixture
def orphan(host: Host, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """A card; whoever holds its memory is the old unit's, whatever systemd says of it."""
    holding: list[Any] = []
    card = gpu(nvmlDeviceGetComputeRunningProcesses=lambda: list(holding))
    named = {"nvmlSystemGetProcessName": lambda pid: b"VLLM::EngineCore"}
    monkeypatch.setitem(sys.modules, "pynvml", Binding(card, **named))
    monkeypatch.setattr(processes, "unit_of", lambda pid: OLLAMA if pid == 4242 else None)
    monkeypatch.setattr(held.Held.freed, "__defaults__", (0.0,))
    host.stage("old", unit=OLLAMA, devices=(0,))
    host.stage("new", devices=(0,))
    host.serving("old")
    return holding


def test_memory_that_is_not_freed_is_no_start(host: Host, orphan: list[Any]) -> None:
    """The new engine would plan with memory that is not there; it is not the release's fault."""
    orphan.append(process(4242, 61000))
    result = host.activate("new")
    assert result["summary"].splitlines() == [
        "new failed: the memory of its devices is still held after the old server was stopped",
        "  VLLM::EngineCore (pid 4242) holds 61000 MiB of device 0",
        "  end that process; if it cannot be ended, reboot the host",
        "state: old serves again and answers right",
    ]
    assert f"systemctl start {UNIT}" not in host.systemd.calls
    assert host.serves == "old"
    assert host.bad == {}


def test_memory_is_looked_at_between_stop_and_start(host: Host, orphan: list[Any]) -> None:
    orphan.append(process(4242, 61000))

    def on_call(said: str) -> None:
        if said == f"systemctl stop {OLLAMA}":
            orphan.clear()

    host.systemd.on_call = on_call
    assert host.activate("new")["ok"]
    assert host.serves == "new"


def test_old_server_that_finds_its_memory_held(host: Host, orphan: list[Any]) -> None:
    """On the way back it is tried all the same, and who holds the memory is told."""
    host.misbehave("new", fails_to_start=("CUDA out of memory",))
    said = "model requires more system memory (20.0 GiB) than is available (5.0 GiB)"
    host.systemd.manners["old"] = Manner(fails_to_start=(said,))

    def on_call(said: str) -> None:
        if said == f"systemctl start {UNIT}":
            orphan.append(process(7, 61000))

    host.systemd.on_call = on_call
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(processes, "unit_of", lambda pid: UNIT)
        state = host.activate("new")["summary"].splitlines()[-1]
    assert state.startswith(
        "state: old is current again but DOES NOT START: "
        "VLLM::EngineCore (pid 7) holds 61000 MiB of device 0; cause: "
    )
