"""The stand-in of vLLM misbehaves as ordered, and stops when it is told to."""

import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.standins.vllm.served import Answer, Served, checkpoint, install, table

Start = Callable[..., Served]


@pytest.fixture(scope="module")
def python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    return install(folder, table(folder))


@pytest.fixture
def start(python: Path, tmp_path: Path) -> Start:
    model = checkpoint(tmp_path / "model")
    logs = iter("abc")

    def start(*words: str, port: int | None = None, **standin: object) -> Served:
        log = tmp_path / next(logs)
        standin = {"start_s": 0, **standin}
        return Served(python, model=model, log=log, words=words, standin=standin, port=port)

    return start


class Asking(threading.Thread):
    """A question that is being asked."""

    def __init__(self, served: Served, **wishes: object) -> None:
        super().__init__(daemon=True)
        self._served, self._wishes = served, wishes
        self._answer: Answer | None = None
        self.start()

    def run(self) -> None:
        """See the class."""
        self._answer = self._served.chat("Hello", **self._wishes)

    def answer(self) -> Any:
        """What came back."""
        self.join(60)
        assert self._answer is not None
        assert self._answer[0] == 200
        return self._answer[1]


def _count(served: Served, name: str) -> float:
    text: str = served.ask("/metrics")[1]
    (line,) = [line for line in text.splitlines() if line.startswith(f"vllm:num_requests_{name}{{")]
    return float(line.split()[-1])


def _wait_count(served: Served, name: str, wanted: int) -> None:
    until = time.monotonic() + 60
    while _count(served, name) != wanted:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_a_wrong_answer(start: Start) -> None:
    with start(answer="fish") as served:
        assert served.ready().said("What colour is the sky?") == "fish"


def test_a_long_start(start: Start) -> None:
    begun = time.monotonic()
    with start(start_s=0.5) as served:
        served.ready()
        assert time.monotonic() - begun > 0.5


def test_no_answer(start: Start) -> None:
    with start(hang=True) as served:
        served.ready()
        with pytest.raises(TimeoutError):
            served.ask("/v1/completions", {"prompt": "Hello"}, within_s=0.2)
        # Who has gone is no longer worked for.
        _wait_count(served, "running", 0)
        assert served.ask("/health") == (200, None)


@pytest.mark.parametrize("stream", [False, True])
def test_nothing_but_errors(start: Start, stream: bool) -> None:
    with start(fail=True) as served:
        served.ready()
        status, page = served.chat("Hello", stream=stream)
        assert (status, page["error"]["type"]) == (500, "InternalServerError")
        assert page["error"]["message"].startswith("EngineCore encountered an issue.")


def test_memory_that_it_holds(start: Start) -> None:
    with start(hold_mib=100) as served:
        served.ready()
        status = Path(f"/proc/{served.process.pid}/status").read_text()
        (resident,) = (line.split()[1] for line in status.splitlines() if "VmRSS" in line)
        assert int(resident) > 100 * 1024


def test_a_crash(start: Start) -> None:
    with start(crash_after_s=0.1) as served:
        assert served.ready().status() == 1
        assert "EngineDeadError" in served.log


def test_death_at_the_start(start: Start) -> None:
    with start(die_at_start="torch.OutOfMemoryError: CUDA out of memory.") as served:
        assert served.status() == 1
        assert "Traceback (most recent call last):" in served.log
        assert "torch.OutOfMemoryError: CUDA out of memory.\n" in served.log


def test_slow_answers_are_counted_and_queue(start: Start) -> None:
    with start("--max-num-seqs", "1", answer_s=1) as served:
        served.ready()
        asking = [Asking(served), Asking(served)]
        _wait_count(served, "running", 1)
        _wait_count(served, "waiting", 1)
        for each in asking:
            assert each.answer()["choices"][0]["finish_reason"] == "stop"
        # Counted as over after its answer, which whoever asked may see first.
        _wait_count(served, "running", 0)
        assert (_count(served, "running"), _count(served, "waiting")) == (0, 0)


def test_two_on_one_port(start: Start) -> None:
    with start() as first, start(port=first.port) as second:
        first.ready()
        time.sleep(0.3)
        assert second.process.poll() is None


def test_one_on_one_port(start: Start) -> None:
    with start(reuseport=False) as first:
        first.ready()
        with start(port=first.port, reuseport=False) as second:
            assert second.status() == 1
            assert "[Errno 98] error while attempting to bind on address" in second.log
            assert "address already in use\n" in second.log


@pytest.mark.parametrize(
    ("words", "finish"),
    [((), "stop"), (("--shutdown-timeout", "300"), "stop"), (("--shutdown-timeout", "0"), "abort")],
)
def test_sigterm_lets_answers_finish(start: Start, words: tuple[str, ...], finish: str) -> None:
    with start(*words, answer_s=0.3) as served:
        served.ready()
        asking = Asking(served)
        _wait_count(served, "running", 1)
        told = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.status() == 0
        assert time.monotonic() - told < 60
        assert asking.answer()["choices"][0]["finish_reason"] == finish


def test_sigterm_does_not_wait_for_ever(start: Start) -> None:
    with start(hang=True) as served:
        served.ready()
        asking = Asking(served)
        _wait_count(served, "running", 1)
        told = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.status() == 0
        assert time.monotonic() - told < 60
        assert asking.answer()["choices"][0]["finish_reason"] == "abort"


def test_sigterm_while_starting(start: Start) -> None:
    with start(start_s=60) as served:
        while "non-default args" not in served.log:
            time.sleep(0.01)
        served.process.send_signal(signal.SIGTERM)
        assert served.status() == 0
