"""An instance's unit: started until ready, stopped until gone, and what it logged."""

from __future__ import annotations

import json
import subprocess
import time

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict, List

_SPEAK_EVERY_S = 0.2
_ASKED, _ASKED_EVERY_S = 5, 0.5
# The question for readiness has a bound of its own; this is for when it hangs as well.
_GRACE_S = 30.0


def start(unit: str, within_s: float, on_wait: Any) -> bool:
    """Start a unit and say whether it became ready; ``on_wait`` hears the seconds passed."""
    subprocess.run(["systemctl", "reset-failed", unit], stderr=subprocess.DEVNULL)
    began = time.monotonic()
    with subprocess.Popen(["systemctl", "start", unit]) as starting:
        while True:
            try:
                return starting.wait(_SPEAK_EVERY_S) == 0
            except subprocess.TimeoutExpired:
                passed = time.monotonic() - began
                on_wait(passed)
                if passed > within_s + _GRACE_S:
                    stop(unit)


def going_down() -> bool:
    """Say whether the host is on its way down, so that nothing can be started any more."""
    asked = ["systemctl", "show", "-P", "SystemState"]
    said = subprocess.run(asked, stdout=subprocess.PIPE, text=True)
    return said.stdout.strip() == "stopping"


def begin(unit: str) -> None:
    """Start a unit without waiting for it."""
    subprocess.run(["systemctl", "reset-failed", unit], stderr=subprocess.DEVNULL)
    subprocess.run(["systemctl", "start", "--no-block", unit], stderr=subprocess.DEVNULL)


def stop(unit: str) -> None:
    """Stop a unit and every process of it."""
    subprocess.run(["systemctl", "stop", unit], stderr=subprocess.DEVNULL)
    subprocess.run(["systemctl", "reset-failed", unit], stderr=subprocess.DEVNULL)


def active(unit: str) -> bool:
    """Say whether a unit is up and ready."""
    return state(unit) == "active"


def running(unit: str) -> bool:
    """Say whether a unit may have processes, ready or not."""
    return state(unit) not in ("inactive", "failed")


def state(unit: str) -> str:
    """Return what systemd calls a unit's state; empty when it does not say."""
    asked, said = ["systemctl", "show", "-P", "ActiveState", unit], ""
    for again in range(_ASKED):
        # While systemd takes over from itself (daemon-reexec) it answers nobody.
        time.sleep(_ASKED_EVERY_S if again else 0)
        said = subprocess.run(asked, stdout=subprocess.PIPE, text=True).stdout.strip()
        if said:
            break
    return said


def shown(unit: str) -> Dict[str, str]:
    """Return how a unit is, and which of its starts that is; nothing when systemd does not say."""
    asked = ["systemctl", "show", "-p", "ActiveState", "-p", "SubState", "-p", "InvocationID", unit]
    said = subprocess.run(asked, stdout=subprocess.PIPE, text=True).stdout
    return dict(line.split("=", 1) for line in said.splitlines() if "=" in line)


def log(unit: str, since: float) -> List[str]:
    """Return what a unit logged since a time of the monotonic clock, and systemd of it."""
    # What a process said last may not be in the journal yet when it is gone.
    subprocess.run(["journalctl", "--sync"], stderr=subprocess.DEVNULL)
    return _logged(["-u", unit], since)


def kernel_log(since: float) -> List[str]:
    """Return what the kernel logged since: devices that fail, processes that it killed."""
    return _logged(["-k"], since)


def _logged(which: List[str], since: float) -> List[str]:
    # By the clock of the wall, one that was set back would hide all that came after.
    command = ["journalctl", "-q", "-b", *which, "-o", "json", "--output-fields", "MESSAGE"]
    # All of a line, however long.
    command += ["--all", "--no-pager", "-n", "2000"]
    said = subprocess.run(command, stdout=subprocess.PIPE)
    entries = [json.loads(line) for line in said.stdout.splitlines()]
    found = [one for one in entries if int(one["__MONOTONIC_TIMESTAMP"]) >= since * 1e6]
    return [line for one in found for line in _message(one).splitlines()]


def _message(entry: Any) -> str:
    """Return what was said; engines print progress bars and worse, which come as bytes."""
    said = entry.get("MESSAGE") or ""
    return said if isinstance(said, str) else bytes(said).decode("utf-8", "replace")
