"""What hangs or crashes costs its answer and nothing else."""

import os
import signal
import subprocess
import time

import apart
import pytest


def test_answer_arrives_whole() -> None:
    long = {"devices": ["x" * 300_000], "none": None}
    assert apart.answer(lambda: long, 10) == long


def test_what_is_asked_stays_apart() -> None:
    pid = os.getpid()
    assert apart.answer(os.getpid, 10) != pid
    with pytest.raises(apart.UnansweredError):
        apart.answer(lambda: os.kill(os.getpid(), signal.SIGKILL), 10)
    assert os.getpid() == pid


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    assert apart.answer(_noisy, 10) == 0
    assert capfd.readouterr() == ("", "")


def test_no_answer_in_time() -> None:
    began = time.monotonic()
    with pytest.raises(apart.UnansweredError, match="no answer within 0 s") as caught:
        apart.answer(lambda: time.sleep(600), 0.2)
    assert caught.value.name == "timeout"
    assert time.monotonic() - began < 300


def test_end_without_an_answer() -> None:
    with pytest.raises(apart.UnansweredError, match="died of SIGTERM") as caught:
        apart.answer(lambda: os.kill(os.getpid(), signal.SIGTERM), 10)
    assert caught.value.name == "died"


def test_question_that_raises() -> None:
    with pytest.raises(apart.UnansweredError, match="ValueError: odd") as caught:
        apart.answer(_odd, 10)
    assert caught.value.name == "raised"


def test_answer_that_is_no_json() -> None:
    with pytest.raises(apart.UnansweredError, match="TypeError") as caught:
        apart.answer(object, 10)
    assert caught.value.name == "raised"


def _odd() -> None:
    raise ValueError("odd")


def _noisy() -> int:
    os.write(1, b"noise")
    return subprocess.run(["sh", "-c", "echo noise; echo noise >&2"]).returncode
