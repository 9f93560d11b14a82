"""
What a run is told: a mistyped key of ``--data``, host of ``--exclude`` or inventory would mean the
same as none at all.
"""

import difflib
from collections.abc import Iterable, Iterator
from fnmatch import fnmatch
from pathlib import Path

import click
from pyinfra.api import State
from pyinfra.context import ctx_state

from roles.control.begun import when_begun
from roles.control.named import deploys

DEPLOYS = Path(__file__).resolve().parents[2] / "deploy"
# Of every run; the deploy lock is any run's to take.
_ALL = ("break_lock", "reports")
_JUDGED = ("reasons",)
_PREPARED = (*_JUDGED, "reboot", "reboot_at_once")
_WAVES = ("plan", "until")
KNOWN: dict[str, tuple[str, ...]] = {
    "accuracy": ("dataset",),
    "activate": (*_JUDGED, *_WAVES),
    "bundle": ("folder", "index", "inventory", "verify"),
    "check": ("offline",),
    "decommission": ("audit", "instance", "part", "weights"),
    "gateway": _JUDGED,
    "lab": ("hosts", "lab", "name"),
    "lock": ("folder", "index", "renew", "stack"),
    "main": (*_PREPARED, *_WAVES),
    "performance": ("dataset",),
    "pin": ("endpoint", "folder", "from", "token", "weights", "without"),
    "preflight": _JUDGED,
    "prepare": _PREPARED,
    "prune": ("prune",),
    "quarantine": ("quarantine", "why"),
    "rollback": ("leave", "to", *_WAVES),
    "stage": _JUDGED,
    "status": ("page", "status"),
    "upgrade": (*_JUDGED, *_WAVES),
    "verify_weights": (),
}
"""What each deploy asks for."""

# How hosts are reached and operations are run, which pyinfra asks for.
_PYINFRAS = ("_", "fake_", "ssh_")


def refuse_unknown() -> None:
    """Have this run end before the first host is asked, if it is told what it does not ask for."""
    state: State = ctx_state.get()
    words = click.get_current_context().params
    files = deploys()
    # What somebody else's deploy asks for is not known.
    if not files or any(
        file.resolve().parent != DEPLOYS or file.stem not in KNOWN for file in files
    ):
        return

    def look() -> None:
        names = [file.stem for file in files]
        wrong = list(unknown(names, state.inventory.get_override_data()))
        hosts = [host.name for host in state.inventory]
        known = [*hosts, *(name for name, there in state.inventory.groups.items() if there)]
        if not hosts:
            # pyinfra says so too, and ends well.
            wrong.append(f"{words['inventory']}: has no hosts, the file of an inventory is right")
        for option in ("limit", "exclude"):
            wrong += unmatched(option, words.get(option) or (), known)
        if wrong:
            raise SystemExit("\n".join([*wrong, "nothing was changed on any host"]))

    when_begun(state, look)


def unknown(deploys: Iterable[str], told: Iterable[str]) -> Iterator[str]:
    """Yield what is wrong with each key that none of the deploys asks for."""
    asked = [deploy for deploy in deploys if deploy in KNOWN]
    known = sorted({*_ALL, *(key for deploy in asked for key in KNOWN[deploy])})
    files = ", ".join(f"deploy/{deploy}.py" for deploy in asked)
    for key in told:
        if key in known or key.startswith(_PYINFRAS):
            continue
        close = difflib.get_close_matches(key, known, n=1)
        right = f"did you mean {close[0]}" if close else f"known are {', '.join(known)}"
        yield f"--data {key}: {files} asks for no such key, {right}"


def unmatched(option: str, patterns: Iterable[str], known: list[str]) -> Iterator[str]:
    """Yield what is wrong with each pattern that is of none of the known hosts and groups."""
    for pattern in patterns:
        if not any(fnmatch(name, pattern) for name in known):
            close = difflib.get_close_matches(pattern, known, n=1)
            right = f"did you mean {close[0]}" if close else "debug-inventory lists them"
            yield f"--{option} {pattern}: there is no such host and no such group, {right}"
