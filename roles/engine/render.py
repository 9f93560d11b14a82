"""
Print what an instance would run: ``python -m roles.engine.render INVENTORY HOST INSTANCE``.

Names, links, command line and files of its release as they would lie on the host. No host is asked
and no secret is read.
"""

import collections
import shlex
import sys
from pathlib import Path

from roles import instance as secrets_of
from roles import inventory, paths
from roles.engine.file import File
from roles.release import Release
from roles.spec import HostSpec, Instance


class UnknownError(Exception):
    """There is nothing of that name; the message says what there is."""


def main(words: list[str]) -> int:
    """
    Return 0 when it was printed, 1 when it cannot be rendered, 2 when there is no such thing.

    :raises SpecError: the inventory has faults
    """
    if len(words) != 3:
        print("usage: python -m roles.engine.render INVENTORY HOST INSTANCE", file=sys.stderr)
        return 2
    file, host, name = words
    try:
        spec = spec_of(file, host)
        print("\n".join(lines(spec, instance_of(spec, host, name))))
    except UnknownError as error:
        print(error, file=sys.stderr)
        return 2
    except ValueError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


def spec_of(file: str, host: str) -> HostSpec:
    """
    Return the spec of a host.

    :raises UnknownError: there is no such inventory, or no such host in it
    """
    if not Path(file).is_file():
        there = sorted(str(path) for path in Path("inventories").glob("*.py"))
        raise UnknownError(f"{file}: no such inventory, there are {', '.join(there) or 'none'}")
    specs = inventory.specs(Path(file))
    if host not in specs:
        raise UnknownError(f"{host}: no such host in {file}, there are {', '.join(sorted(specs))}")
    return specs[host]


def instance_of(spec: HostSpec, host: str, name: str) -> Instance:
    """
    Return an instance of a host.

    :raises UnknownError: it has none of that name
    """
    found = {instance.name: instance for instance in spec.instances}
    if name not in found:
        there = f"there are {', '.join(sorted(found))}" if found else "it has none"
        raise UnknownError(f"{name}: no such instance of {host}, {there}")
    return found[name]


def lines(spec: HostSpec, instance: Instance) -> list[str]:
    """Return what is printed of an instance."""
    release = Release(spec=spec, instance=instance)
    key = instance.api_key
    kinds = collections.Counter(check.kind for check in instance.questions)
    asked = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    told = [
        ("release", release.name),
        ("folder", release.folder),
        ("unit", paths.unit(instance)),
        ("user", paths.user(instance.name)),
        ("serves", f"{instance.served_as} on {instance.endpoint}"),
        *(("link", f"{name} -> {target}") for name, target in sorted(release.links.items())),
        ("secret", f"api-key, from {secrets_of.place(key)}" if key else "none, the server is open"),
        ("checks", f"{len(instance.questions)}: {asked}"),
    ]
    found = [f"{name:8} {value}" for name, value in told]
    found += [f"{'argv' if not at else '':8} {word}" for at, word in enumerate(argv(release.files))]
    for name, rendered in sorted(release.files.items()):
        found += ["", f"== {name} (mode {rendered.mode})", rendered.text.rstrip("\n")]
    return found


def argv(files: dict[str, File]) -> list[str]:
    """Return the words that the start script becomes, none when it ends in no other program."""
    start = files["start"].text if "start" in files else ""
    before, found, command = start.replace("\\\n", " ").rpartition("\nexec ")
    if not found:
        return []
    # What the script sets itself, unless somebody gave it words.
    _, _, given = before.rpartition("|| set --")
    own = shlex.split(given.splitlines()[0]) if given else []
    return [word for part in shlex.split(command) for word in (own if part == "$@" else [part])]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
