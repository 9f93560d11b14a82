"""AISBench at work: who runs it, how far it is, and when it is ended."""

from __future__ import annotations

import glob
import subprocess
import time
from typing import Any, Dict, List

import aisbench_config
import durable
import jobs
import places
import progress
import service

_EVERY_S = 1.0
_STATES = {"warmup": "warming up", "inferencing": "asking", "eval": "judging"}
# It would look for a proxy and for hubs, and needs neither.
_VARIABLES = {
    "HF_HUB_OFFLINE": "1",
    "HF_DATASETS_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "NO_PROXY": "*",
    "TERM": "dumb",
}


class LateError(Exception):
    """It took too long; the message says how far it was."""


def command(plan: Any, folder: str, unit: str) -> List[str]:
    """Return what runs the tool as the instance's user, and for as long as its job lives."""
    task = aisbench_config.TASKS[plan["kind"]]
    user = places.user(plan["instance"])
    variables = dict(_VARIABLES, HOME=folder, PYTHONPATH=folder + "/absent")
    settings = [
        "User=" + user,
        "Group=" + user,
        "SupplementaryGroups=" + " ".join(plan["groups"]),
        "WorkingDirectory=" + folder,
        "ReadWritePaths=" + folder,
        "BindsTo=" + jobs.unit(plan["name"]),
        "RuntimeMaxSec={}".format(plan["within_s"] + 60),
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        "PrivateTmp=yes",
        "UMask=0077",
        *("Environment={}={}".format(name, value) for name, value in variables.items()),
    ]
    words = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect", "--unit", unit]
    words += ["--property=" + setting for setting in settings]
    words += [plan["tool"] + "/venv/bin/ais_bench", "--mode", task.mode]
    words += ["--models", task.model, "--datasets", task.dataset]
    return [*words, "--config-dir", "configs", "--work-dir", "outputs"]


def run(plan: Any, folder: str, unit: str, count: int, say: progress.Progress) -> bool:
    """
    Run the tool to its end, which it does not always find itself; say whether that was good.

    :param count: questions that it asks
    :raises LateError: it took too long
    """
    deadline = time.monotonic() + plan["within_s"]
    service.stop(unit)
    with open(folder + "/aisbench.log", "w") as log, subprocess.Popen(
        command(plan, folder, unit), stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
    ) as running:
        try:
            while running.poll() is None and not _crashed(folder):
                done = watched(folder, count, say)
                if time.monotonic() > deadline:
                    wrong = "it did not end within {} s, {} of {} were asked"
                    raise LateError(wrong.format(plan["within_s"], done, count))
                time.sleep(_EVERY_S)
        finally:
            if running.poll() is None:
                service.stop(unit)
                running.kill()
    return running.returncode == 0


def watched(folder: str, count: int, say: progress.Progress) -> int:
    """Tell how far it is, and return how many were asked."""
    state = _state(folder)
    done = int(state.get("finish_count") or 0)
    stage = _STATES.get(str(state.get("status")), str(state.get("status") or "starting"))
    say.say("{}: {} of {}".format(stage, done, count) if done else stage)
    return done


def _state(folder: str) -> Dict[str, Any]:
    """Return what the task that runs now says of itself."""
    states: List[Any] = []
    for path in glob.glob(glob.escape(folder) + "/outputs/*/status_tmp/*.json"):
        read = durable.read_json(path)
        states += read if isinstance(read, list) else [read]
    return next((one for one in reversed(states) if isinstance(one, dict)), {})


def _crashed(folder: str) -> bool:
    """
    Say whether a task of it crashed: it goes on to judge answers that it does not have, or waits
    for a word of the task that will not come.
    """
    with open(folder + "/aisbench.log", errors="replace") as log:
        return "failed with code" in log.read()
