"""Asks what may hang or crash in a process apart, so that only the answer is lost."""

from __future__ import annotations

import json
import os
import select
import signal
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Callable, NoReturn


class UnansweredError(Exception):
    """There is no answer: ``name`` is ``timeout``, ``died`` or ``raised``."""

    def __init__(self, name: str, text: str) -> None:
        """Keep what happened, in a word and in words."""
        super().__init__(text)
        self.name = name


def answer(question: Callable[[], Any], within_s: float) -> Any:
    """
    Return what ``question`` returns, which must be fit for JSON.

    Without an answer in time the process is killed and left behind: one that hangs in the kernel
    cannot be waited for, and it holds nothing of ours open.
    """
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        _ask(question, write)
    os.close(write)
    try:
        said = _read(read, time.monotonic() + within_s)
    except TimeoutError:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, os.WNOHANG)
        raise UnansweredError("timeout", "no answer within {:.0f} s".format(within_s)) from None
    finally:
        os.close(read)
    status = os.waitpid(child, 0)[1]
    if not said:
        raise UnansweredError("died", "died of {}".format(_end(status)))
    told = json.loads(said)
    if "raised" in told:
        raise UnansweredError("raised", told["raised"])
    return told["answer"]


def _ask(question: Callable[[], Any], write: int) -> NoReturn:
    """Answer into a pipe and be gone, whatever happens."""
    try:
        nothing = os.open(os.devnull, os.O_RDWR)
        for stream in (0, 1, 2):
            os.dup2(nothing, stream)
        try:
            said = json.dumps({"answer": question()})
        except Exception as error:
            said = json.dumps({"raised": "{}: {}".format(type(error).__name__, error)})
        with os.fdopen(write, "w") as pipe:
            pipe.write(said)
    finally:
        os._exit(0)


def _read(pipe: int, deadline: float) -> bytes:
    said = b""
    while True:
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([pipe], [], [], left)[0]:
            raise TimeoutError
        part = os.read(pipe, 1 << 16)
        if not part:
            return said
        said += part


def _end(status: int) -> str:
    if os.WIFSIGNALED(status):
        return signal.Signals(os.WTERMSIG(status)).name
    return "exit code {}".format(os.WEXITSTATUS(status))
