"""Memory of devices is waited for, and whoever keeps it is named."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path
from typing import Any, ClassVar

import held
import processes
import pytest

from tests.roles.hostside.binding import Binding, NVMLError, gpu, process
from tests.standins.nvidia import build

OLD, NEW = "metalserve-ollama@chat.service", "metalserve-vllm@chat.service"
UNITS = {1: OLD, 2: OLD, 3: "display.service"}
HOLDING = "nvmlDeviceGetComputeRunningProcesses"


class Cards:
    """Two cards whose processes a test changes as time goes by."""

    names: ClassVar[dict[str, Any]] = {"nvmlSystemGetProcessName": lambda pid: b"VLLM::EngineCore"}

    def __init__(self, *later: list[Any]) -> None:
        """Say who holds memory of the first card, from one question to the next."""
        self.later = list(later)
        self.said: list[str] = []

    def say(self, line: str) -> None:
        """Hear what is told; from then on the next ones hold memory."""
        self.said.append(line)
        if len(self.later) > 1:
            self.later.pop(0)

    @property
    def binding(self) -> Binding:
        first = gpu(**{HOLDING: lambda: self.later[0]})
        return Binding(first, gpu(**{HOLDING: []}), **self.names)


@pytest.fixture(autouse=True)
def _known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(held, "_EVERY_S", 0.0)
    monkeypatch.setattr(processes, "unit_of", lambda pid: UNITS.get(pid))


def _cards(monkeypatch: pytest.MonkeyPatch, *later: list[Any]) -> Cards:
    cards = Cards(*later)
    monkeypatch.setitem(sys.modules, "pynvml", cards.binding)
    return cards


def test_memory_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The second one is gone for the kernel, not yet for the driver."""
    cards = _cards(monkeypatch, [process(1, 4000), process(2, 500)], [process(2, 500)], [])
    found = held.Held([0, 1], [OLD], cards.say)
    assert found.pids == {1, 2}
    monkeypatch.setattr(processes, "unit_of", lambda pid: None)
    assert found.freed() == []
    assert cards.said == [
        "freeing device memory: 4500 MiB still held after 0 s",
        "freeing device memory: 500 MiB still held after 0 s",
    ]


def test_who_keeps_it_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that hangs in the driver outlives its unit."""
    cards = _cards(monkeypatch, [process(1, 61000), process(2, None), process(3, 9)])
    found = held.Held([0, 1], [OLD], cards.say)
    assert found.freed(within_s=0) == [
        "VLLM::EngineCore (pid 1) holds 61000 MiB of device 0",
        "VLLM::EngineCore (pid 2) holds memory of device 0",
    ]


def test_others_are_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = _cards(monkeypatch, [process(3, 9)])
    assert held.Held([0], [OLD, NEW], cards.say).freed() == []
    assert cards.said == []


def test_process_that_is_gone_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """The driver has not let go of it; systemd does not know any more whose it was."""
    gone = 4_194_305  # more than any process has
    cards = _cards(monkeypatch, [process(gone, 800)], [])
    names = {"nvmlSystemGetProcessName": NVMLError(6)}
    monkeypatch.setattr(Cards, "names", names)
    monkeypatch.setitem(sys.modules, "pynvml", cards.binding)
    found = held.Held([0], [OLD], cards.say)
    assert (found.pids, found.freed()) == (set(), [])
    assert cards.said == ["freeing device memory: 800 MiB still held after 0 s"]


def test_host_without_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its devices are of another vendor."""
    said: list[str] = []
    monkeypatch.setitem(sys.modules, "pynvml", Binding(nvmlInit=NVMLError(12)))
    assert held.Held([0], [OLD], said.append).freed() == []
    assert said == []


def test_process_of_the_unit_that_came_meanwhile(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = _cards(monkeypatch, [])
    found = held.Held([0], [OLD], cards.say)
    cards.later = [[process(1, 7)]]
    assert found.freed(within_s=0) == ["VLLM::EngineCore (pid 1) holds 7 MiB of device 0"]


def test_nothing_to_ask_without_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a CPU, and of releases that were staged before devices were written down."""
    monkeypatch.setitem(sys.modules, "pynvml", None)
    said: list[str] = []
    releases: list[Any] = [{"unit": OLD}, {"unit": NEW, "devices": []}]
    found = held.of(releases, said.append)
    assert (found.devices, found.units, found.freed(), said) == ([], [OLD, NEW], [], [])


def test_devices_of_both_releases(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = _cards(monkeypatch, [])
    releases: list[Any] = [{"unit": NEW, "devices": [1]}, {"unit": OLD, "devices": [0, 1]}]
    found = held.of(releases, cards.say)
    assert (found.devices, found.units) == ([0, 1], [OLD, NEW])


def test_chips_of_ascend_are_asked_of_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = _cards(monkeypatch, [])
    releases = [{"unit": NEW, "devices": [0], "engine": engine} for engine in ("mindie", "vllm")]
    found = held.of([releases[0], dict(releases[0], engine="vllm-ascend")], cards.say)
    assert (found.devices, found.freed(), cards.said) == ([], [], [])
    assert held.of(releases, cards.say).devices == [0]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ({"nvmlInit": NVMLError(9)}, "NVMLError: error 9"),
        ({"nvmlDeviceGetHandleByIndex": NVMLError(2)}, "NVMLError: error 2"),
    ],
)
def test_library_that_does_not_answer_stops_nobody(
    answers: dict[str, Any], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", Binding(gpu(), **answers))
    heard: list[str] = []
    assert held.Held([0], [OLD], heard.append).freed() == []
    assert heard == [f"device memory was not looked at: {said}"] * 2


def test_through_the_library(tmp_path: Path) -> None:
    """With pynvml itself, on the stand-in of NVIDIA's library."""
    (tmp_path / "libnvidia-ml.so.580.95.05").write_bytes(build.library())
    (tmp_path / build.SONAME).symlink_to("libnvidia-ml.so.580.95.05")
    pid = os.getpid()
    facts = f"driver=580.95.05\ncount=1\n0.uuid=GPU-a\n0.processes={pid}:6000\n"
    (tmp_path / "state").write_text(facts)
    script = (
        "import held, processes\n"
        f"processes.unit_of = lambda pid: {OLD!r}\n"
        f"found = held.of([{{'unit': {OLD!r}, 'devices': [0]}}], print)\n"
        "print(found.pids, found.freed(within_s=0))\n"
    )
    pynvml = importlib.util.find_spec("pynvml")
    assert pynvml is not None
    assert pynvml.origin is not None
    found = subprocess.check_output(
        [sys.executable, "-c", script],
        env={
            "PATH": os.defpath,
            "LD_LIBRARY_PATH": str(tmp_path),
            "STANDIN_NVIDIA_STATE": str(tmp_path / "state"),
            "PYTHONPATH": os.pathsep.join(
                str(Path(file).parent) for file in (held.__file__, pynvml.origin)
            ),
        },
        text=True,
    )
    name = Path("/proc/self/cmdline").read_bytes().split(b"\0")[0].decode()
    assert found == f"{{{pid}}} ['{name} (pid {pid}) holds 6000 MiB of device 0']\n"
