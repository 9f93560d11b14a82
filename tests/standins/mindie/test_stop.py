"""MindIE's stand-in ends as MindIE does, and misbehaves as ordered."""

import json
import os
import signal
import threading
import time
from pathlib import Path

import pytest

from tests.standins.mindie.served import Host, Served


class Asking(threading.Thread):
    """A question that is being asked."""

    def __init__(self, served: Served) -> None:
        super().__init__(daemon=True)
        self._served = served
        self.answer: object = None
        self.start()

    def run(self) -> None:
        """See the class."""
        try:
            self.answer = self._served.said("Hello")
        except (ConnectionError, TimeoutError) as error:
            self.answer = error

    def in_flight(self) -> "Asking":
        """Wait until it is worked on."""
        until = time.monotonic() + 60
        while True:
            page = self._served.ask("/v1/status", port=self._served.management)[1]
            if page["resource"]["runningRequestNum"] == 1:
                return self
            assert time.monotonic() < until
            time.sleep(0.01)


def _rank(served: Served) -> int:
    (line,) = (served.host.folder / "dev/davinci0").read_text().splitlines()
    return int(json.loads(line)["pid"])


def test_it_is_told_to_end(host: Host) -> None:
    with host.start(standin={"answer_s": 1.5}) as served:
        asking = Asking(served.ready()).in_flight()
        told = time.monotonic()
        served.process.send_signal(signal.SIGTERM)
        assert served.status() == -signal.SIGABRT
        assert time.monotonic() - told > 0.2
        asking.join(60)
        assert asking.answer == "Hello! I am the canary."
        assert "Daemon is killing, please wait about 15 seconds...\n" in served.log
        assert "All subprocesses exited gracefully.\n" in served.log
    names = sorted(path.name.rstrip("0123456789") for path in (host.folder / "shm").iterdir())
    assert [name.partition("memory_")[0] for name in names] == [
        "llm_backend_pid_", "llm_tokenizer_shared_", "llm_tokenizer_shared_",
    ]  # fmt: skip


def test_it_does_not_wait_for_ever(host: Host) -> None:
    with host.start(standin={"hang": True, "grace_s": 0.2}) as served:
        asking = Asking(served.ready()).in_flight()
        served.process.send_signal(signal.SIGTERM)
        assert served.status() == -signal.SIGABRT
        asking.join(60)
        assert isinstance(asking.answer, ConnectionError)


def test_its_group_is_told_to_end(host: Host) -> None:
    """As systemd does unless its unit says otherwise: who is being answered is not waited for."""
    with host.start(standin={"answer_s": 60}) as served:
        asking = Asking(served.ready()).in_flight()
        told = time.monotonic()
        os.killpg(served.process.pid, signal.SIGTERM)
        assert served.status() == -signal.SIGABRT
        assert time.monotonic() - told < 30
        asking.join(60)
        assert isinstance(asking.answer, ConnectionError)


def test_it_is_told_to_end_while_it_loads(host: Host) -> None:
    with host.start(standin={"start_s": 60, "grace_s": 0.2}) as served:
        while "Successfully init config manager" not in served.log:
            time.sleep(0.01)
        served.process.send_signal(signal.SIGTERM)
        assert served.status() == -signal.SIGABRT
        assert "Daemon start success!" not in served.log


@pytest.mark.parametrize("mode", ["", "?mode=Force"])
def test_stop_service(host: Host, mode: str) -> None:
    with host.start(standin={"answer_s": 1.5}) as served:
        asking = Asking(served.ready()).in_flight()
        assert served.ask(f"/stopService{mode}", port=served.management) == (200, None)
        assert served.status() == -signal.SIGABRT
        asking.join(60)
        answered = asking.answer == "Hello! I am the canary."
        assert answered == (not mode)


def test_what_is_stopped_takes_no_more(host: Host) -> None:
    with host.start(standin={"answer_s": 3}) as served:
        Asking(served.ready()).in_flight()
        stopping = threading.Thread(
            target=served.ask, args=("/stopService",), kwargs={"port": served.management}
        )
        stopping.start()
        time.sleep(0.1)
        told = {"error": "The service has been stopped.", "error_type": "Service Unavailable"}
        assert served.ask("/v2/health/ready", port=served.management) == (503, told)
        assert served.chat("Hello")[0] == 503
        assert served.ask("/stopService", port=served.management) == (500, None)
        stopping.join(60)


def test_a_rank_that_is_killed_ends_it(host: Host) -> None:
    with host.start() as served:
        rank = _rank(served.ready())
        os.kill(rank, signal.SIGKILL)
        assert served.status() == -signal.SIGABRT
        assert f"Process {rank} was terminated by signal 9 (Killed)" in served.log


def test_no_rank_outlives_it(host: Host) -> None:
    with host.start() as served:
        rank = _rank(served.ready())
        served.process.kill()
        served.status()
        until = time.monotonic() + 60
        while _lives(rank):
            assert time.monotonic() < until
            time.sleep(0.01)


def _lives(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except FileNotFoundError:
        return False


def test_mischief(host: Host) -> None:
    with host.start(standin={"answer": "fish"}) as served:
        assert served.ready().said("What colour is the sky?") == "fish"
    host.move()
    with host.start(standin={"crash_after_s": 0.1}) as served:
        served.ready()
        assert served.status() == -signal.SIGABRT
    said = host.refused(standin={"die_at_start": "RuntimeError: out of luck"})
    assert "Traceback (most recent call last):" in said
    assert "\nRuntimeError: out of luck\n" in said
    assert "standin: 'sleepy' is no misbehaviour" in host.refused(standin={"sleepy": 1})


def test_mischief_of_a_host_is_for_those_that_are_meant(host: Host) -> None:
    knob = host.folder / "ascend/knobs/mindie"
    knob.write_text(
        '{"when": "\\"maxSeqLen\\":4096", "answer": "fish"}\n{"when": "\\"maxSeqLen\\":2560"}\n'
    )
    with host.start() as served:
        assert served.ready().said("What colour is the sky?") == "blue"
    host.change("BackendConfig/ModelDeployConfig/maxSeqLen", 4096)
    host.move()
    with host.start() as served:
        assert served.ready().said("What colour is the sky?") == "fish"
