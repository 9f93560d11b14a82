"""
Lay out a release beside the live one: links, rendered files, questions, secrets.

``stage.py`` reads from its input ``{"instance", "release", "links": {name: target}, "files": {name:
{"text", "mode"}}, "checks": [...], "secrets": {"generation", "files": {name: text}}, "digest"}``. A
release that is there already and whole is left alone; one that was changed by hand is laid out
anew. MindIE's ``config.json`` is made here, of what is installed (``mindie_release.py``).
"""

from __future__ import annotations

import json
import os
import shutil
import sys
from typing import Any, List

import durable
import mindie_release
import ours
import places
import receipts


def lay_out(wanted: Any) -> List[str]:
    """Leave the release's folder and return its paths."""
    folder = "{}/{}".format(places.releases(wanted["instance"]), wanted["release"])
    paths = [folder + "/" + name for name in [*wanted["links"], *wanted["files"]]]
    if _whole(folder, wanted):
        return paths
    if os.path.isdir(folder):
        serving = durable.read_link(places.instance(wanted["instance"]) + "/current")
        serves = ", and serves: whether what runs began with that is not known"
        print(
            "{} was changed by hand{}; laid out anew".format(
                folder, serves if serving == folder else ""
            )
        )
        # Path by path, each in one step: the folder may serve, and is there whatever happens.
        _fill(folder, wanted)
        return paths
    beside = folder + ".new"
    shutil.rmtree(beside, ignore_errors=True)
    try:
        os.makedirs(beside, mode=0o755)
        _fill(beside, wanted)
        os.rename(beside, folder)
    except OSError:
        # A full disk is not left fuller.
        shutil.rmtree(beside, ignore_errors=True)
        raise
    durable.sync_folder(os.path.dirname(folder))
    return paths


def _fill(folder: str, wanted: Any) -> None:
    for name in [*wanted["links"], *wanted["files"]]:
        path = folder + "/" + name
        if os.path.isdir(path) and not os.path.islink(path):
            shutil.rmtree(path)
    for name, target in wanted["links"].items():
        durable.link(folder + "/" + name, target)
    for name, file in wanted["files"].items():
        durable.write(folder + "/" + name, file["text"], int(file["mode"], 8))


def _whole(folder: str, wanted: Any) -> bool:
    return all(
        durable.read_link(folder + "/" + name) == target for name, target in wanted["links"].items()
    ) and all(
        ours.holds(folder + "/" + name, file["text"].encode(), int(file["mode"], 8))
        for name, file in wanted["files"].items()
    )


def questions(wanted: Any) -> str:
    """Leave the questions of the release and return their path."""
    path = "{}/{}.json".format(places.checks(wanted["instance"]), wanted["release"])
    if durable.read_json(path) != wanted["checks"]:
        durable.write_json(path, wanted["checks"])
    return path


def secrets(wanted: Any) -> None:
    """Leave a generation of secrets that root alone can read."""
    folder = places.secrets(wanted["instance"])
    generation = folder + "/" + wanted["secrets"]["generation"]
    for closed in (folder, generation):
        os.makedirs(closed, mode=0o700, exist_ok=True)
        os.chmod(closed, 0o700)
    for name, text in wanted["secrets"]["files"].items():
        durable.write(generation + "/" + name, text, mode=0o600)


def _keep_folders(instance: str) -> None:
    """
    Make the folders that lead to what was laid out last, whose files do already. Everything on the
    disk would wait for weights that are on their way there.
    """
    os.makedirs(places.instance(instance), exist_ok=True)
    for place in (places.releases, places.checks, places.secrets, places.instance):
        durable.sync_folder(place(instance))
        durable.sync_folder(os.path.dirname(place(instance)))


def main() -> None:
    """See the top of the file."""
    wanted = json.load(sys.stdin)
    os.umask(0o022)
    try:
        made, made_of = mindie_release.made(wanted["files"], wanted["links"])
        wanted["files"].update(made)
        paths = [*made_of, *lay_out(wanted)]
        paths.append(questions(wanted))
        secrets(wanted)
        _keep_folders(wanted["instance"])
        receipts.write("stage-" + wanted["instance"], wanted["digest"], paths)
    except (OSError, mindie_release.ConfigError) as error:
        raise SystemExit(
            "{instance} {release} is not staged, nothing that serves was touched: {0}".format(
                error, **wanted
            )
        ) from error


if __name__ == "__main__":
    main()
