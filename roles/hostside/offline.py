"""
Ask an engine without its server: ``offline.py INSTANCE KIND``.

Loads the current release of an instance in a process of its own, as the instance's user, asks it
the questions of one kind, and prints a report as ``ask.py`` does. The engine takes the devices for
itself, so that the instance's server must not run. It ends with 1 when an answer was wrong, and
with 2 and the reason when nothing could be asked.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any, Dict, List

import ask
import durable
import failures
import places
import service
import transaction

KINDS = ("text", "image", "video")
# What a release's start is given, in the place of the server.
_PROGRAMS = {"vllm": ("offline_vllm.py",), "mindie": ("python", "offline_mindie.py")}


class OfflineError(Exception):
    """Nothing can be asked; the message says why."""


def questions(instance: str, kind: str) -> List[Dict[str, Any]]:
    """Return the staged questions of a kind that the current release of an instance answers."""
    if kind not in KINDS:
        raise OfflineError("offline: {!r}, {} are right".format(kind, ", ".join(KINDS)))
    staged = durable.read_json("{}/{}.json".format(places.checks(instance), _current(instance)))
    # What is asked of a server in two ways is one question to its engine.
    found = [one for one in staged or () if one["kind"] == kind and "by" not in one]
    if not found:
        raise OfflineError("{} is asked no {} question".format(instance, kind))
    return found


def command(instance: str) -> List[str]:
    """Return what loads the release as its unit would, but for the server."""
    here = places.instance(instance)
    about = transaction.about(instance, _current(instance))
    program = _PROGRAMS.get(about["engine"])
    if program is None:
        raise OfflineError(
            "{} is {}, which only a server can ask".format(instance, about["engine"])
        )
    if service.running(about["unit"]):
        raise OfflineError(
            "{0} serves, and two engines have no room on its devices: "
            "systemctl stop {1}, ask, systemctl start {1}".format(instance, about["unit"])
        )
    settings = {
        "User": places.user(instance),
        "Group": places.user(instance),
        "WorkingDirectory": here + "/current",
        "LoadCredential": "api-key:{}/secrets/api-key".format(here),
        "CacheDirectory": "metalserve/" + instance,
        "CacheDirectoryMode": "0700",
        "RuntimeMaxSec": str(about["ready_within_s"] + 3600),
        "NoNewPrivileges": "yes",
        "ProtectSystem": "strict",
        "ProtectHome": "yes",
        "PrivateTmp": "yes",
        "LimitNOFILE": "1048576",
        "LimitMEMLOCK": "infinity",
        "UMask": "0077",
    }
    words = ["systemd-run", "--quiet", "--wait", "--pipe", "--collect"]
    words += ["--unit", "metalserve-offline-" + instance]
    environments = ["environment"]
    if about["engine"] == "mindie":
        # As its unit has it: the weights are the group's, and the chips are open to the other.
        settings.update(Group="metalserve", SupplementaryGroups="HwHiAiUser")
        environments.insert(0, "ascend")
    words += ["--property={}={}".format(name, value) for name, value in settings.items()]
    words += ["--property=EnvironmentFile={}/current/{}".format(here, e) for e in environments]
    folder = os.path.dirname(os.path.abspath(__file__))
    return [*words, here + "/current/start", *program[:-1], folder + "/" + program[-1]]


def answers(instance: str, kind: str) -> ask.Report:
    """Ask, and return the report."""
    wanted = json.dumps(questions(instance, kind))
    ended = subprocess.run(
        command(instance),
        input=wanted,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    lines = ended.stdout.splitlines()
    # The engine may say more when it ends.
    reports = [line for line in lines if line.startswith("[{") and '"latency_s"' in line]
    if not reports:
        raise OfflineError("\n".join(["the engine did not answer", *failures.evidence(lines)]))
    report: ask.Report = json.loads(reports[-1])
    return report


def _current(instance: str) -> str:
    current = transaction.current(instance)
    if current is None:
        raise OfflineError("{} has no release".format(instance))
    return current


def main() -> None:
    """See the top of the file."""
    try:
        report = answers(sys.argv[1], sys.argv[2])
    except (OfflineError, OSError) as error:
        print(error, file=sys.stderr)
        sys.exit(2)
    print(json.dumps(report))
    sys.exit(1 if ask.wrong(report) else 0)


if __name__ == "__main__":
    main()
