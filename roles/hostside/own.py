"""
Lay out a model as the own of one server's user, for an engine that takes nothing else.

The plan of the job: ``{"name", "phase", "digest", "original": folder, "folder", "files": [path] or
"kept": the phase whose receipt has them, "user", "group"}``. Safetensors are the same files under a
second name, root's still, of the group; all others are copies of the user's, for nobody else to
read. Of the original, nothing changes but the group of its safetensors.
"""

from __future__ import annotations

import grp
import os
import pwd
import shutil
from typing import Any, List

import durable
import jobs
import linked
import progress
import receipts

_FOLDER, _FILE = 0o750, 0o640


class OwnError(jobs.JobError):
    """The model could not be given to a user."""


def lay_out(plan: Any, say: progress.Progress) -> str:
    """Leave the folder whole and return what was done."""
    say.say("laying out")
    user, group = _ids(plan)
    folder, beside = plan["folder"], plan["folder"] + ".new"
    shutil.rmtree(beside, ignore_errors=True)
    os.mkdir(beside, _FOLDER)
    paths, folders = _paths(plan), [beside]
    for path in paths:
        source, target = "{}/{}".format(plan["original"], path), "{}/{}".format(beside, path)
        if os.path.dirname(target) not in folders:
            folders.append(os.path.dirname(target))
            os.makedirs(folders[-1])
        if path.endswith(".safetensors"):
            linked.name_again(source, target)
            os.chown(target, 0, group)
            os.chmod(target, 0o644)
        else:
            shutil.copyfile(source, target)
            os.chmod(target, _FILE)
            os.chown(target, user, group)
    # Last: what is the user's own the user may change.
    for one in reversed(folders):
        os.chmod(one, _FOLDER)
        os.chown(one, user, group)
    os.sync()
    durable.replace_folder(folder, beside)
    held = [folder + one[len(beside) :] for one in folders]
    receipts.write(plan["phase"], plan["digest"], held + [folder + "/" + path for path in paths])
    return "{}: {} files for {}".format(plan["name"], len(paths), plan["user"])


def _ids(plan: Any) -> List[int]:
    try:
        return [pwd.getpwnam(plan["user"]).pw_uid, grp.getgrnam(plan["group"]).gr_gid]
    except KeyError as error:
        raise OwnError("{}; deploy/prepare.py adds them".format(error.args[0])) from error


def _paths(plan: Any) -> List[str]:
    if "files" in plan:
        return list(plan["files"])
    kept = receipts.files(plan["kept"])
    if not kept:
        raise OwnError(
            "what is in {} is not known, the receipt {} is gone; run deploy/stage.py again".format(
                plan["original"], plan["kept"]
            )
        )
    return [file["path"] for file in kept]


def main() -> None:
    """See the top of the file."""
    jobs.perform(lay_out, otherwise="is not laid out, nothing that serves was touched")


if __name__ == "__main__":
    main()
