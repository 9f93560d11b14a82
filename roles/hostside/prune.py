"""
Delete what of ours nothing needs any more; ``unneeded.py`` says what that is.

``prune.py list PLAN`` prints JSON, ``{"count", "lines": the table, "fault"}``, and changes nothing.
``prune.py delete PLAN`` deletes, and prints how much, and what could not be. The plan: ``{"keep":
[path], "spared": {folder whose content stays: why}, "weights_root", "who", "run": that has the
deploy lock}``. Each thing is renamed to ``*.gone`` first: what is half deleted has no name that
anything looks for, and goes the next time.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import stat
import sys
from typing import Any, List, Tuple

import audit
import durable
import image
import lock
import places
import progress
import unneeded

_GONE = ".gone"


def table(found: List[Tuple[unneeded.Item, int]]) -> List[str]:
    """Return a line for each thing: what it is, what it frees, where it is."""
    rows = [(item.kind, progress.size(count), item.path) for item, count in found]
    return ["{:10} {:>10}  {}".format(*row) for row in rows]


def listed(plan: Any) -> Any:
    """Return what would go."""
    found = unneeded.find(plan)
    lines = table(found.items)
    if lines:
        total = sum(count for _, count in found.items)
        lines.append("{:10} {:>10}".format("in all", progress.size(total)))
    return {"count": len(found.items), "lines": lines + _left(found), "fault": None}


def delete(plan: Any) -> bool:
    """Delete everything that nothing needs; say whether all of it could be."""
    if (lock.owner() or {"run": None})["run"] != plan["run"]:
        raise OSError("this run has not the deploy lock")
    found = unneeded.find(plan)
    gone, freed, failed = 0, 0, []
    for item, count in found.items:
        try:
            remove(item.path)
        except OSError as error:
            failed.append("{}: {}; it stays, nothing needs it".format(item.path, error))
        else:
            gone, freed = gone + 1, freed + count
            audit.note(plan["who"], "prune {}".format(item.path), "deleted")
    print("\n".join(["{} deleted, {} free again".format(gone, progress.size(freed)), *failed]))
    return not failed


def remove(path: str) -> None:
    """Delete a folder or a file: first of all nobody finds it any more."""
    _forget(path)
    gone = path if path.endswith(_GONE) else path + _GONE
    if gone != path:
        # What was left of an earlier try has the same name.
        _delete(gone)
        os.rename(path, gone)
        durable.sync_folder(os.path.dirname(path))
    _delete(gone)


def _delete(path: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if stat.S_ISDIR(os.lstat(path).st_mode):
            image.forget(path)
            # Follows no links, neither now nor when somebody puts one there meanwhile.
            shutil.rmtree(path)
        else:
            os.unlink(path)


def _forget(path: str) -> None:
    """Remove the receipts that say that something is there."""
    names = os.listdir(places.receipts()) if os.path.isdir(places.receipts()) else []
    folder, instance = os.path.split(os.path.dirname(path))
    for name in names:
        file = places.receipts() + "/" + name
        kept = durable.read_json(file) or {"paths": {}}
        # The receipt of a staged release tells of its secrets by a digest only.
        staged = os.path.join(folder, "") == places.secrets("") and name == "stage-{}.json".format(
            instance
        )
        if staged or any((one + "/").startswith(path + "/") for one in kept["paths"]):
            os.unlink(file)


def _left(found: unneeded.Unneeded) -> List[str]:
    return ["left alone: {}: {}".format(path, why) for path, why in found.left]


def main() -> None:
    """See the top of the file."""
    verb, plan = sys.argv[1], json.loads(sys.argv[2])
    try:
        if verb == "list":
            print(json.dumps(listed(plan)))
        elif not delete(plan):
            sys.exit(1)
    except OSError as error:
        why = "what is needed cannot be told, so nothing was deleted: {}".format(error)
        if verb != "list":
            raise SystemExit(why) from error
        print(json.dumps({"count": 0, "lines": [], "fault": why}))


if __name__ == "__main__":
    main()
