"""
Long work under systemd, so that it survives the loss of whoever asked for it.

``jobs.py run NAME SCRIPT RUN`` reads a plan from its input and starts ``SCRIPT`` with it, or
attaches when the same plan is at work already; then it follows to the end. Whoever lost the
connection asks again with the same ``RUN`` and is told the result, even if the job ended meanwhile.
A script gets the job's folder as its argument, reads ``plan.json`` there and leaves
``result.json``: ``{"ok": bool, "summary": str, ...}``, with ``"goes_on"`` if it then works on for
others, until ``jobs.py end NAME`` stops it and prints what it says it did (``"did"``).
"""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from typing import Any, Callable

import durable
import places
import progress
import service

_LOOK_EVERY_S = 0.2
# What a plan was made from, which the job that is at work with it changes.
_FOUND = ("from",)
# What they have done stays, and their plans hold what only one run knows.
_BEGUN_ANEW = ("swarm",)


def unit(name: str) -> str:
    """Return the unit of a job."""
    return "{}{}.service".format(places.JOB_UNIT, name)


def active(name: str) -> bool:
    """Say whether a job is at work."""
    return service.state(unit(name)) in ("active", "activating", "deactivating")


def start(name: str, script: str, run: str, plan: Any) -> str:
    """Start a job, or find it at work; return a line that says which."""
    folder = places.job(name)
    if active(name) and script in _BEGUN_ANEW and durable.read_json(folder + "/plan.json") != plan:
        service.stop(unit(name))
    if active(name):
        if _wanted(durable.read_json(folder + "/plan.json")) != _wanted(plan):
            raise SystemExit(
                "{0}: another plan is at work since {1}, so this one was not started; wait for it "
                "(journalctl -fu {2}) and run again".format(name, _since(name), unit(name))
            )
        return "attached to {}, at work since {}".format(name, _since(name))
    if durable.read_json(folder + "/run.json") == run:
        return "{} has ended".format(name)
    os.makedirs(folder, mode=0o700, exist_ok=True)
    for old in ("result.json", "progress.json"):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(folder + "/" + old)
    durable.write_json(folder + "/plan.json", plan, mode=0o600)
    durable.write_json(folder + "/run.json", run, mode=0o600)
    here = os.path.dirname(os.path.realpath(__file__))
    program = [sys.executable, "{}/{}.py".format(here, script)]
    command = ["systemd-run", "--quiet", "--collect", "--unit", unit(name)]
    command += ["--property", "TimeoutStopSec=2h", "--property", "WorkingDirectory=/"]
    if script in ("activate", "follow"):
        # Whatever ends the job, the instance must not be left between two releases.
        stop = [sys.executable, here + "/recovery.py", "job", plan["instance"]]
        command += ["--property", "ExecStopPost=" + " ".join(stop)]
    started = subprocess.run(
        [*command, *program, folder], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    if started.returncode != 0 and not active(name):
        raise SystemExit("{}: systemd refused the job: {}".format(name, started.stdout.strip()))
    return ""


def later(name: str, script: str, *words: str) -> str:
    """Start a script as a job once the network is there; return what systemd says against it."""
    here = os.path.dirname(os.path.realpath(__file__))
    command = ["systemd-run", "--quiet", "--collect", "--no-block", "--unit", unit(name)]
    command += ["--property", "After=network-online.target", "--property", "WorkingDirectory=/"]
    command += [sys.executable, "{}/{}.py".format(here, script), *words]
    said = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return said.stdout.strip() if said.returncode else ""


def follow(name: str) -> Any:
    """Print a job's progress until it ends; return its result."""
    folder = places.job(name)
    spoken = progress.Spoken(folder + "/progress.json")
    while True:
        # Asked in this order, a job that ends between the two questions is not called dead.
        at_work = active(name)
        result = durable.read_json(folder + "/result.json")
        if result is not None and (not at_work or result.get("goes_on")):
            return result
        if not at_work:
            return _died(name)
        spoken.look()
        time.sleep(_LOOK_EVERY_S)


def end(name: str) -> str:
    """Stop a job that goes on for others; return what it did, if it says so."""
    if active(name):
        service.stop(unit(name))
    result = durable.read_json(places.job(name) + "/result.json") or {}
    return str(result.get("did") or "")


def finish(folder: str, result: Any) -> None:
    """Leave a job's result."""
    durable.write_json(folder + "/result.json", result, mode=0o600)


class JobError(Exception):
    """The work of a job cannot be done; the message says why and what to do."""


def perform(work: Callable[[Any, progress.Progress], str], otherwise: str) -> None:
    """Do the work of the job whose folder is the program's argument, and leave its result."""
    folder = sys.argv[1]
    plan = durable.read_json(folder + "/plan.json")
    try:
        result = {"ok": True, "summary": work(plan, progress.Progress(folder))}
    except (JobError, OSError) as error:
        result = {"ok": False, "summary": "{} {}: {}".format(plan["name"], otherwise, error)}
    print(result["summary"], flush=True)
    finish(folder, result)


def _wanted(plan: Any) -> Any:
    """Return what a plan is to come to."""
    known = isinstance(plan, dict)
    return {key: plan[key] for key in plan if key not in _FOUND} if known else plan


def _since(name: str) -> str:
    shown = subprocess.run(
        ["systemctl", "show", "-P", "ActiveEnterTimestamp", unit(name)],
        stdout=subprocess.PIPE,
        text=True,
    )
    return shown.stdout.strip()


def _died(name: str) -> Any:
    lines = subprocess.run(
        ["journalctl", "-q", "-b", "-u", unit(name), "-n", "15", "-o", "cat", "--no-pager"],
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    summary = "the job {} ended without a result; its last lines were:\n{}".format(name, lines)
    return {"ok": False, "summary": summary.rstrip()}


def main() -> None:
    """See the top of the file."""
    if len(sys.argv) == 3 and sys.argv[1] == "end":
        print(end(sys.argv[2]))
        return
    if len(sys.argv) != 5 or sys.argv[1] != "run":
        raise SystemExit("usage: jobs.py run NAME SCRIPT RUN < PLAN, or jobs.py end NAME")
    name, script, run = sys.argv[2:]
    attached = start(name, script, run, json.load(sys.stdin))
    if attached:
        print(attached, flush=True)
    result = follow(name)
    print(result["summary"], flush=True)
    sys.exit(0 if result["ok"] else 1)


if __name__ == "__main__":
    main()
