"""
Settings of an older MindIE that somebody made by hand come to a newer one's ``config.json``.

``mindie_upgrade.py OLDER NEWER FILE FILE``: two versions and the ``config.json`` of each. MindIE's
own ``--upgrade`` does so while it takes the older one away; here both stay, and the older one's
file is not touched. Made by hand is what differs from the file that the package brought, which was
kept when it was installed. It comes over when the newer file has the key, with a value of its kind
that nobody has changed yet. All else is named, and left to whoever made it.

It runs once, when the newer one is installed. What was cut short is done again, to the same end.
"""

from __future__ import annotations

import contextlib
import os
import sys
from typing import Any, Dict, Iterator, List, Tuple

import durable
import mindie_edit
import places

Values = Dict[str, Any]


class SettingsError(SystemExit):
    """Settings cannot be carried over; the message says why. Nothing was changed."""


def carry(older: str, newer: str, source: str, target: str) -> List[str]:
    """Change the newer file and return what is to be said of it."""
    shipped = durable.read_json(places.shipped_settings(older))
    if shipped is None:
        return [
            "what {} came with was not kept, so that nothing of it was carried over; compare {} "
            "and {} yourself".format(older, source, target)
        ]
    if not os.path.exists(target):
        return ["has no {}, so that nothing was carried over from {}".format(target, older)]
    came_with, now = _values(places.shipped_settings(newer)), _values(target)
    before, there = dict(_leaves(shipped)), _values(source)
    carried: Values = {}
    said: Dict[str, List[str]] = {}
    for path, value in there.items():
        if path in before and before[path] == value:
            continue
        why = _refused(path, value, came_with, now)
        if why:
            said.setdefault(why, []).append(path)
        else:
            carried[path] = value
    taken_out = [path for path in before if path not in there]
    if taken_out:
        said["was taken out there, and is as it ships"] = taken_out
    lines = ["carried over from {}: {}".format(older, ", ".join(carried) or "nothing")]
    lines += ["not carried over, {}: {}".format(why, ", ".join(p)) for why, p in said.items()]
    if any(now[path] != value for path, value in carried.items()):
        _write(target, carried)
    return lines


def _refused(path: str, value: Any, came_with: Values, now: Values) -> str:
    """Return why a value does not come over, empty when it does."""
    if path not in came_with:
        return "it ships no such key"
    if _kind(value) != _kind(came_with[path]):
        return "it holds another kind of value there"
    if now.get(path) not in (came_with[path], value):
        return "it was changed here as well"
    return ""


def _kind(value: Any) -> Any:
    # Older ones have false where newer ones have 0.
    return int if isinstance(value, bool) else type(value)


def _values(path: str) -> Values:
    return dict(_leaves(_read(path)))


def _leaves(holder: Any, path: str = "") -> Iterator[Tuple[str, Any]]:
    """Yield every value by its path; a list counts as one, unless objects are in it."""
    inner: Any = ()
    if isinstance(holder, dict):
        inner = holder.items()
    elif isinstance(holder, list) and any(isinstance(one, dict) for one in holder):
        inner = enumerate(holder)
    for name, value in inner:
        yield from _leaves(value, "{}.{}".format(path, name) if path else str(name))
    if not inner and path:
        yield path, holder


def _read(path: str) -> Values:
    try:
        with open(path, encoding="utf-8") as file:
            return mindie_edit.parsed(file.read())
    except (OSError, mindie_edit.EditError) as error:
        raise SettingsError(
            "{}: {}; mend it and run again, nothing was changed".format(path, error)
        ) from error


def _write(path: str, values: Values) -> None:
    """Change a file in one step, which stays its owner's and as open as it was."""
    found, changed = os.stat(path), mindie_edit.edited(_read(path), values, {})
    beside = path + ".new"
    durable.write(beside, mindie_edit.text(changed.config), found.st_mode & 0o777)
    os.chown(beside, found.st_uid, found.st_gid)
    os.replace(beside, path)
    durable.sync_folder(os.path.dirname(path))


def main() -> None:
    """See the top of the file."""
    older, newer, source, target = sys.argv[1:]
    for line in carry(older, newer, source, target):
        print("MindIE {} {}".format(newer, line))
    with contextlib.suppress(FileNotFoundError):
        os.unlink(places.settings_from(newer))


if __name__ == "__main__":
    main()
