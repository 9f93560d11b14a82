"""Injections: locks, other runs, and strangers on ports."""

from __future__ import annotations

import json
import subprocess
import time
from pathlib import Path
from typing import Any

from tests.lab.faults.injection import NEW, Injection
from tests.lab.faults.trial import UNIT, Trial

_LOCK = "var/lib/metalserve/lock.json"
_PORT = 8011
_SQUAT = "systemd-run --quiet --collect --unit squatter python3 -m http.server {} --bind 127.0.0.1"


def _write(trial: Trial, text: str) -> None:
    for host in trial.hit:
        (host.disk.root / _LOCK).write_text(text)


def _owner(**changed: object) -> str:
    stat = Path("/proc/self/stat").read_text().rsplit(")", 1)[1].split()
    owner: dict[str, Any] = {
        "run": "r0ddba11", "who": "alice@elsewhere", "pid": int(Path("/proc/self").resolve().name),
        "machine": Path("/proc/sys/kernel/random/boot_id").read_text().strip(),
        "started": int(stat[19]), "since": time.time() - 100,
    }  # fmt: skip
    return json.dumps(owner | changed)


def _unlock(trial: Trial) -> None:
    for host in trial.hit:
        (host.disk.root / _LOCK).unlink()


def _run_with(trial: Trial, lock: str) -> None:
    _write(trial, lock)
    trial.start()
    trial.end()


def _living(trial: Trial) -> None:
    _run_with(trial, _owner())


def _dead(trial: Trial) -> None:
    ended = subprocess.Popen(["true"])
    ended.wait()
    _run_with(trial, _owner(pid=ended.pid))


def _elsewhere(trial: Trial) -> None:
    _run_with(trial, _owner(machine="another"))


def _from_the_future(trial: Trial) -> None:
    _run_with(trial, _owner(machine="another", since=time.time() + 3600))


def _half(trial: Trial) -> None:
    _run_with(trial, _owner()[:40])


def _other_shape(trial: Trial) -> None:
    _run_with(trial, '{"run": "r0ddba11"}')


def _broken_by_order(trial: Trial) -> None:
    _write(trial, _owner(machine="another"))
    trial.start("main", "--data", "break_lock=r0ddba11")
    trial.end()


def _guarded(trial: Trial) -> None:
    """Something holds the guard of the lock for a while."""
    trial.on("nohup flock /var/lib/metalserve/lock.json.guard sleep 8 >/dev/null 2>&1 & sleep 0.3")
    trial.start()
    trial.end()


def _second_run(trial: Trial, breaks_lock: bool = False) -> None:
    """A second run with another plan comes while the first one is at work."""
    trial.start()
    trial.reached()
    new, wanted = trial.new, trial.wanted
    lock = json.loads((trial.hit[0].disk.root / _LOCK).read_text())
    trial.want()
    words = ["--data", f"break_lock={lock['run']}"] if breaks_lock else []
    second = trial.site.run("main", *words)
    trial.new, trial.wanted = new, wanted
    trial.write()
    trial.go()
    trial.end()
    trial.said += second.said
    assert second.code == 1, f"the second run ended with {second.code}: {second.said}"


def _second_run_breaks_lock(trial: Trial) -> None:
    _second_run(trial, breaks_lock=True)


def _port_taken_before(trial: Trial) -> None:
    trial.on(_SQUAT.format(_PORT))
    trial.start()
    trial.end()
    trial.on("systemctl stop squatter")


def _port_taken(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on(_SQUAT.format(_PORT))
    trial.go()
    trial.end()
    trial.on("systemctl stop squatter")


def _port_of_both_taken(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on(f"systemctl stop {UNIT}; " + _SQUAT.format(8000) + "; sleep 1")
    trial.go()
    trial.end()
    trial.on("systemctl stop squatter")


_LOCKED = "this host is locked by alice@elsewhere (run r0ddba11)"

INJECTIONS = (
    Injection(
        name="lock-living", what="a living run of this machine holds the lock",
        when="before the run", does=_living, says=(_LOCKED,), then=_unlock, mended="that run ends",
    ),
    Injection(
        name="lock-dead", what="a dead run of this machine holds the lock", when="before the run",
        does=_dead, served=NEW, code=0, says=("takes over the lock of alice@elsewhere",),
    ),
    Injection(
        name="lock-elsewhere", what="a run of another machine holds the lock",
        when="before the run", does=_elsewhere, says=(_LOCKED, "--data break_lock=r0ddba11"),
        then=_unlock, mended="that run ends",
    ),
    Injection(
        name="lock-broken-by-order", what="a run of another machine holds the lock, which is broken"
        " with `--data break_lock`", when="before the run", does=_broken_by_order, served=NEW,
        code=0, says=("takes over the lock of alice@elsewhere",),
    ),
    Injection(
        name="lock-future", what="the lock was taken in an hour from now", when="before the run",
        does=_from_the_future, says=(_LOCKED,), then=_unlock, mended="that run ends",
    ),
    Injection(
        name="lock-half", what="the lock is half written", when="before the run", does=_half,
        served=NEW, code=0,
    ),
    Injection(
        name="lock-shape", what="the lock is JSON of another shape", when="before the run",
        does=_other_shape, served=NEW, code=0,
    ),
    Injection(
        name="lock-guard", what="another process is at the lock for 8 s", when="before the run",
        does=_guarded, served=NEW, code=0,
    ),
    Injection(
        name="second-run", what="a second run with another plan", at="restart",
        does=_second_run, served=NEW, code=0, says=("this host is locked by",),
    ),
    Injection(
        name="second-run-breaks-lock",
        what="a second run with another plan, which breaks the lock", at="restart",
        does=_second_run_breaks_lock, served=NEW, code=0,
        says=("another plan is at work since", "so this one was not started"),
    ),
    Injection(
        name="port-before", what="a stranger has the new release's port", when="before the run",
        does=_port_taken_before, changed={"port": _PORT},
        says=(f"found {_PORT} is held by squatter.service",),
    ),
    Injection(
        name="port-meanwhile", what="a stranger takes the new release's port", at="drain",
        does=_port_taken, changed={"port": _PORT}, says=(f"port {_PORT} is held by",),
    ),
    Injection(
        name="port-of-both", what="a stranger takes the port of both releases", at="restart",
        does=_port_of_both_taken, says=("port 8000 is held by", "DOES NOT START"),
        left=("out of rotation",), mended="the stranger ends; systemd, after 15 s",
    ),
)  # fmt: skip
