"""The deploy lock of each host that a run changes, given back when the run leaves the host."""

import getpass
import json
import os
import socket
import uuid
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from pyinfra import host, state
from pyinfra.api import FunctionCommand, Host, QuoteString, State, StringCommand, operation
from pyinfra.api.output import echo
from pyinfra.api.state import BaseStateCallback

from roles import job, probe
from roles.hostside import places

_HELD = "metalserve lock"


@operation()
def deploy_lock() -> job.Commands:
    """This run alone changes the host."""
    yield from held()


def held() -> job.Commands:
    """Yield what takes the lock, unless this run has it; the start of every change."""
    if _HELD in host.connector_data:
        return
    words = [QuoteString(host.data.spec.python), "-", "take", QuoteString(json.dumps(_wanted()))]
    yield StringCommand(*words, _stdin=job.program("lock"))
    _keep(state, host)


def held_by(script: Callable[[dict[str, Any] | None], StringCommand]) -> job.Commands:
    """
    Yield a script that takes the lock itself before anything else, unless this run has it.

    :param script: told what it takes the lock by; ``None`` when this run has it
    """
    if _HELD in host.connector_data:
        yield script(None)
        return
    # A script that fails may have taken it.
    yield FunctionCommand(_keep, (), {})
    yield script(_wanted())


def taken_over() -> job.Commands:
    """Yield what takes the lock of a dead run, which does not give it back itself."""
    found = probe.of(host)["lock"]
    if found and at_work(found) is False:
        yield from held()


def _wanted() -> dict[str, Any]:
    """Return what a host takes the lock by."""
    found = probe.of(host)["lock"]
    dead = _dead(found)
    if found and found["run"] == dead:
        # What the host says to it is shown with -vvv alone.
        who = f"the lock of {found['who']} (run {dead})"
        echo(f"{host.print_prefix}takes over {who}", err=True)
    return owner() | {"break": dead}


def _keep(state: State, host: Host) -> None:
    """Note that this run has the lock, and has to give it back."""
    host.connector_data[_HELD] = job.connector_arguments(host)
    if not any(isinstance(known, _GiveBack) for known in state.callback_handlers):
        state.add_callback_handler(_GiveBack())


class _GiveBack(BaseStateCallback):
    """Releases the lock however the run ends, except by being killed."""

    @staticmethod
    def host_disconnect(state: State, host: Host) -> None:
        if _HELD not in host.connector_data:
            return
        arguments = host.connector_data.pop(_HELD)
        try:
            host.run_shell_command(_released(), **arguments)
        except Exception as error:  # an exception here would end the run for every host
            print(f"{host.print_prefix}the deploy lock was not given back: {error}")


@cache
def owner() -> dict[str, Any]:
    """Return who this run is."""
    return {
        # A letter first: pyinfra reads --data of digits as a number.
        "run": f"r{uuid.uuid4().hex[:7]}",
        "who": f"{getpass.getuser()}@{socket.gethostname()}",
        "machine": _machine(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
    }


def _released() -> StringCommand:
    """
    Return what gives the lock back if it is ours, as ``release`` of ``lock.py`` does, without that:
    Python takes ten times as long, and every run that changes something ends with it.
    """
    mine, kept = json.dumps({"run": owner()["run"]})[1:-1], places.lock()
    words = ("release", QuoteString(mine), kept)
    # Where none is, nothing of ours may be, nor come to be.
    alone = ("test", "!", "-e", kept, "||", "flock", places.lock_guard())
    return StringCommand(
        *alone, "sh", "-c", QuoteString('! grep -qsF "$1" "$2" || rm "$2"'), *words
    )


def _dead(held: dict[str, Any] | None) -> str | None:
    """Return the run whose lock may be taken over."""
    told = host.data.get("break_lock")
    if held and at_work(held) is False:
        return str(held["run"])
    return str(told) if told else None


def at_work(owner: dict[str, Any]) -> bool | None:
    """Say whether a run still is; ``None`` for one of another machine, which nobody can know."""
    if owner["machine"] != _machine():
        return None
    return bool(_started(owner["pid"]) == owner["started"])


def _machine() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _started(pid: int) -> int | None:
    """Return when a process of this machine started, in clock ticks since boot."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    return int(stat.rsplit(")", 1)[1].split()[19])
