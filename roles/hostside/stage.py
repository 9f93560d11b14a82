"""
Lay out a release beside the live one: links, rendered files, questions, secrets.

``stage.py`` reads from its input ``{"instance", "release", "links": {name: target}, "files": {name:
{"text", "mode"}}, "checks": [...], "secrets": {"generation", "files": {name: text}}, "digest"}``. A
release that is there already and whole is left alone; one that was changed by hand is laid out
anew.
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any, List

import durable
import places
import receipts


def lay_out(wanted: Any) -> List[str]:
    """Leave the release's folder and return its paths."""
    folder = "{}/{}".format(places.releases(wanted["instance"]), wanted["release"])
    paths = [folder + "/" + name for name in [*wanted["links"], *wanted["files"]]]
    if _whole(folder, wanted):
        return paths
    serving = durable.read_link(places.instance(wanted["instance"]) + "/current")
    beside = folder + ".new"
    shutil.rmtree(beside, ignore_errors=True)
    os.makedirs(beside, mode=0o755)
    for name, target in wanted["links"].items():
        os.symlink(target, beside + "/" + name)
    for name, file in wanted["files"].items():
        durable.write(beside + "/" + name, file["text"], int(file["mode"], 8))
    if os.path.isdir(folder):
        # Never edited: the old folder goes away whole. A server that runs from it has read its
        # files already, and finds the same names again.
        os.rename(folder, folder + ".drifted")
        print(
            "{} was changed by hand{}; laid out anew".format(
                folder, ", and serves" if serving == folder else ""
            )
        )
    os.rename(beside, folder)
    durable.sync_folder(os.path.dirname(folder))
    shutil.rmtree(folder + ".drifted", ignore_errors=True)
    return paths


def _whole(folder: str, wanted: Any) -> bool:
    for name, target in wanted["links"].items():
        if durable.read_link(folder + "/" + name) != target:
            return False
    for name, file in wanted["files"].items():
        try:
            with open(folder + "/" + name) as found:
                if found.read() != file["text"]:
                    return False
        except OSError:
            return False
        if os.stat(folder + "/" + name).st_mode & 0o777 != int(file["mode"], 8):
            return False
    return True


def questions(wanted: Any) -> str:
    """Leave the questions of the release and return their path."""
    path = "{}/{}.json".format(places.checks(wanted["instance"]), wanted["release"])
    if durable.read_json(path) != wanted["checks"]:
        durable.write_json(path, wanted["checks"])
    return path


def secrets(wanted: Any) -> None:
    """Leave a generation of secrets that root alone can read."""
    folder = places.secrets(wanted["instance"])
    os.makedirs(folder, mode=0o700, exist_ok=True)
    generation = folder + "/" + wanted["secrets"]["generation"]
    os.makedirs(generation, mode=0o700, exist_ok=True)
    for name, text in wanted["secrets"]["files"].items():
        durable.write(generation + "/" + name, text, mode=0o600)


def main() -> None:
    """See the top of the file."""
    wanted = json.load(sys.stdin)
    os.umask(0o022)
    paths = lay_out(wanted)
    paths.append(questions(wanted))
    secrets(wanted)
    os.makedirs(places.instance(wanted["instance"]), exist_ok=True)
    os.sync()
    receipts.write("stage-" + wanted["instance"], wanted["digest"], paths)


if __name__ == "__main__":
    main()
