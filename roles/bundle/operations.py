"""States of a bundle, on the control machine."""

import json
import subprocess
import sys
from collections.abc import Callable, Generator, Mapping
from typing import IO, Any, cast

from pyinfra.api import FunctionCommand, Host, State, operation
from pyinfra.api.output import echo

from roles import instance as secrets_of
from roles import job
from roles.bundle import inventory, manifest, readme
from roles.bundle.asked import BundleError, asked, folder
from roles.bundle.wants import lacking, wants
from roles.spec import SpecError

Commands = Generator[FunctionCommand, None, None]


@operation()
def complete_bundle(data: dict[str, Any]) -> Commands:
    """
    Everything that an inventory needs is in one folder, with a manifest.

    + data: what was given with ``--data``; see ``asked.py``
    """
    yield FunctionCommand(_told, (), {"work": _complete, "data": data})


@operation()
def right_bundle(data: dict[str, Any]) -> Commands:
    """
    Every file of a bundle is as its manifest says, and there is no other.

    + data: what was given with ``--data``; see ``asked.py``
    """
    yield FunctionCommand(_told, (), {"work": _verify, "data": data})


Say = Callable[[str], None]


def _told(
    state: State,
    host: Host,
    *,
    work: Callable[[Mapping[str, Any], Say], None],
    data: dict[str, Any],
) -> bool:
    def say(words: str) -> None:
        echo(f"{host.print_prefix}{words}", err=True)

    # pyinfra prints a traceback for an exception, and nothing for False.
    try:
        work(data, say)
    except (BundleError, SpecError, secrets_of.SecretError, OSError) as error:
        say(str(error))
        return False
    return True


def _complete(data: Mapping[str, Any], say: Say) -> None:
    wish = asked(data)
    hosts = list(inventory.specs(wish.inventory).values())
    wish.folder.mkdir(parents=True, exist_ok=True)
    say("asking the package index which wheels fit")
    found = list(wants(hosts, wish.folder, index=wish.index))
    plans = [plan for plan, _ in found]
    given = {"folder": str(wish.folder), "wants": plans, "shown": [shown for _, shown in found]}
    _collect(given, say)
    missing = lacking(hosts, wish.folder)
    about = readme.text(wish.inventory.name, hosts, plans, missing)
    count = manifest.write(wish.folder, plans, {"README": about})
    for name in missing:
        say(f"{name} is not on this machine: put it into {wish.folder}/installers, run again")
    but = f" but for the {len(missing)} named above" if missing else ""
    say(f"{wish.folder} is complete{but}: {count} files, see its README")


def _collect(given: dict[str, Any], say: Say) -> None:
    """Have the files brought by the code that hosts bring theirs with."""
    words = [sys.executable, "-SE", str(job.FOLDER / "collect.py")]
    with subprocess.Popen(  # noqa: S603  # our own script
        words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as collecting:
        # On its input: tokens and keys are among it.
        with cast("IO[str]", collecting.stdin) as its_input:
            json.dump(given, its_input)
        for line in cast("IO[str]", collecting.stdout):
            say(line.rstrip("\n"))
    if collecting.returncode != 0:
        raise BundleError("the bundle is not complete, why is said above; run again to go on")


def _verify(data: Mapping[str, Any], say: Say) -> None:
    place = folder(data)
    say(f"{place}: {manifest.verify(place)} files are as its manifest says")
