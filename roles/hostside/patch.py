"""
Lay out a model with patched files beside the one as pinned, which is left as it is.

The plan of the job: ``{"name", "phase", "digest", "original": folder, "folder", "files": [path],
"patched": {path: {"text", "before", "after"}}}``, where before and after are sha256. Every other
file is the same one under a second name, so that nothing is copied.
"""

from __future__ import annotations

import os
import shutil
from typing import Any

import durable
import hashed
import jobs
import linked
import progress
import receipts


class PatchError(jobs.JobError):
    """The model could not be patched."""


def lay_out(plan: Any, say: progress.Progress) -> str:
    """Leave the folder whole and return what was done."""
    say.say("patching")
    folder, beside = plan["folder"], plan["folder"] + ".new"
    shutil.rmtree(beside, ignore_errors=True)
    for path in plan["files"]:
        source, target = "{}/{}".format(plan["original"], path), "{}/{}".format(beside, path)
        os.makedirs(os.path.dirname(target), mode=0o755, exist_ok=True)
        if path in plan["patched"]:
            _write(source, target, plan["patched"][path])
        else:
            linked.name_again(source, target)
    durable.replace_folder(folder, beside)
    receipts.write(plan["phase"], plan["digest"], [folder + "/" + path for path in plan["files"]])
    return "{}: {} patched, {} as pinned".format(
        plan["name"],
        ", ".join(sorted(plan["patched"])),
        len(plan["files"]) - len(plan["patched"]),
    )


def _write(source: str, target: str, patched: Any) -> None:
    found = hashed.sha256(source)
    if found != patched["before"]:
        raise PatchError(
            "{} has sha256 {}, the patch was made for {}; fetch it again".format(
                source, found, patched["before"]
            )
        )
    durable.write(target, patched["text"])
    os.chmod(target, 0o644)


def main() -> None:
    """See the top of the file."""
    jobs.perform(lay_out, otherwise="is not patched, nothing that serves was touched")


if __name__ == "__main__":
    main()
