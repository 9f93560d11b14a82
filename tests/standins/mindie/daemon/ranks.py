"""The processes that hold the model, one for each rank."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from typing import Any

from tests.standins.openai.server.errors import StartError
from tests.standins.openai.server.mischief import Mischief

from . import installation, journal

_END_S = 15
_BLINK_S = 0.02


class Ranks:
    """Those of one model; one that ends takes all with it."""

    def __init__(self, chips: list[int], model: dict[str, Any], mischief: Mischief) -> None:
        self._processes: list[subprocess.Popen[bytes]] = []
        self._ready: list[int] = []
        # Never written to: who reads it learns that this process has ended.
        self._gone, self._alive = os.pipe()
        program = installation.OWN / "bin/mindie_llm_backend_connector"
        for rank, device in enumerate(chips):
            heard, told = os.pipe()
            words = [
                *("--rank", str(rank), "--world", str(len(chips)), "--device", str(device)),
                *("--weights", model["modelWeightPath"], "--start-s", str(mischief.start_s)),
                *("--npu-mem-gib", str(model["npuMemSize"])),
                *("--ready-fd", str(told), "--alive-fd", str(self._gone)),
            ]
            words += ["--die", mischief.die_at_start] if mischief.die_at_start else []
            try:
                process = subprocess.Popen([program, *words], pass_fds=(told, self._gone))
            except OSError as error:
                raise StartError(f"{program}: {error.strerror}") from None
            os.close(told)
            self._processes.append(process)
            self._ready.append(heard)

    def wait_ready(self, stopping: threading.Event) -> bool:
        """Wait until all have loaded; false when told to stop before."""
        for heard, process in zip(self._ready, self._processes, strict=True):
            os.set_blocking(heard, False)
            while not self._heard(heard):
                if stopping.wait(_BLINK_S):
                    return False
                if process.poll() is not None and not self._heard(heard):
                    journal.log(
                        "LLMPythonModel initializes fail: modelWrapper return status is error"
                    )
                    raise StartError("Failed to init infer model instance")
            os.close(heard)
        return True

    def _heard(self, pipe: int) -> bool:
        try:
            return bool(os.read(pipe, 16))
        except BlockingIOError:
            return False

    def ended(self) -> bool:
        """Whether one has ended, which is said."""
        for process in self._processes:
            code = process.poll()
            if code is None:
                continue
            if code < 0:
                name = signal.strsignal(-code)
                journal.failure(f"Process {process.pid} was terminated by signal {-code} ({name})")
            return True
        return False

    def crash(self) -> None:
        """Have one end as a fault of the model's code ends it."""
        self._processes[0].kill()

    def stop(self) -> None:
        """Tell all to end, and end who does not."""
        for process in self._processes:
            process.terminate()
        begun = time.monotonic()
        seconds = 0
        while any(process.poll() is None for process in self._processes):
            passed = time.monotonic() - begun
            if passed >= _END_S:
                journal.warn("Timeout reached, some subprocesses still alive. Force to kill them.")
                break
            if passed >= seconds + 1:
                seconds += 1
                journal.warn(f"Waiting for subprocess exits for {seconds}/{_END_S} seconds.")
            time.sleep(_BLINK_S)
        else:
            journal.warn("All subprocesses exited gracefully.")
        for process in self._processes:
            process.kill()
            process.wait()
