"""Where an instance goes back to: a pure function of what the probe saw."""

from dataclasses import dataclass
from typing import Any

from roles.hostside import places
from roles.spec import Instance

Found = dict[str, Any]


@dataclass(frozen=True)
class Wish:
    """
    What an operator wants of a rollback.

    :param leave: releases, or the stacks that they are named after; what serves none of them
        stays. Without any, every instance goes back
    :param to: the release to go to, in the place of the one that served before
    """

    leave: tuple[str, ...] = ()
    to: str | None = None

    @classmethod
    def told(cls, *, leave: object = None, to: object = None) -> "Wish":
        """Return what ``--data leave=A,B`` and ``--data to=A`` wish for."""
        words = tuple(word.strip() for word in str(leave).split(",")) if leave is not None else ()
        return cls(leave=words, to=None if to is None else str(to).strip())

    def leaves(self, release: str) -> bool:
        """Say whether what serves a release is to leave it."""
        stack, _, _ = release.rpartition("-")
        return not self.leave or release in self.leave or stack in self.leave


EVERY = Wish()


@dataclass(frozen=True)
class Way:
    """
    The way back of an instance: to a release, or why there is none.

    :param serving: the release that is current, ``None`` without one
    :param since: when that began to serve, as far as it is known
    :param to: the release to go to; ``None`` when the instance stays
    :param passed: a sentence for each release that served later than ``to`` and cannot again
    :param stays: why it stays, though nothing is wrong
    :param refused: what is wrong, so that it cannot go back
    """

    instance: str
    serving: str | None = None
    since: str | None = None
    to: str | None = None
    passed: tuple[str, ...] = ()
    stays: str = ""
    refused: str = ""


def way(instance: Instance, found: Found, wish: Wish = EVERY) -> Way:
    """
    Return the way back of an instance: to the release that served last before the current one, is
    not marked bad and still whole.
    """
    name = instance.name
    if found["instances"] is None:
        return Way(name, refused=f"what {name} runs is not known: {found['faults']}")
    seen = found["instances"].get(name)
    serving: str | None = seen and seen["current"]
    if not serving:
        return Way(name, stays=f"{name} has no release")
    began = since(seen)
    if not wish.leaves(serving):
        return Way(name, serving, began, stays=f"{name} serves {serving}, which is not to be left")
    entry, passed, why = _target(name, seen, wish)
    if entry is None:
        return Way(name, serving, began, **why)
    refused = _held(entry, seen, found) or _secrets(name, seen)
    if refused:
        return Way(name, serving, began, passed=passed, refused=refused)
    return Way(name, serving, began, to=entry["release"], passed=passed)


def _target(name: str, seen: Found, wish: Wish) -> tuple[Found | None, tuple[str, ...], Found]:
    """Return what is known of the release to go to, or why there is none."""
    serving = seen["current"]
    others = [entry for entry in seen["served"] if entry["release"] != serving]
    if wish.to == serving:
        return None, (), {"stays": f"{name} serves {serving}"}
    if wish.to:
        named = [entry for entry in others if entry["release"] == wish.to]
        if not named:
            known = ", ".join(entry["release"] for entry in others) or "no other"
            stays = f"{name} serves {serving} and never served {wish.to}; before, it served {known}"
            return None, (), {"stays": stays}
        others = named
    elif not others:
        return None, (), {"stays": f"{name} has no release before {serving}"}
    whole = next((entry for entry in others if not entry["fault"]), None)
    passed = others[: others.index(whole)] if whole else others
    told = tuple(f"{entry['release']} {entry['fault']}" for entry in passed)
    if whole:
        return whole, told, {}
    return None, (), {
        "refused": f"{name} serves {serving} and cannot go back: {'; '.join(told)}; set the"
        " inventory to a release that can serve, and run deploy/main.py"
    }  # fmt: skip


def _held(entry: Found, seen: Found, found: Found) -> str:
    """Say who holds a port of a release, but for the server that makes room for it."""
    for listener in found["ports"] or ():
        ours = listener["unit"] and listener["unit"] == seen["unit"]
        if listener["port"] in entry["ports"] and not ours:
            who = listener["unit"] or listener["process"] or "a process that cannot be seen"
            pid = f" (pid {listener['pid']})" if listener["pid"] else ""
            return f"port {listener['port']} of {entry['release']} is held by {who}{pid}; stop it"
    return ""


def _secrets(name: str, seen: Found) -> str:
    """Say whether the secrets in use are gone: they stay as they are, and no server starts so."""
    if seen["secrets_there"]:
        return ""
    link, kept = f"{places.instance(name)}/secrets", f"{places.secrets(name)}/{seen['secrets']}"
    return (
        f"the secrets of {name} are gone: {kept if seen['secrets'] else link}; remove"
        f" {places.receipts()}/stage-{name}.json there and run deploy/stage.py, which brings them"
    )


def since(seen: Found) -> str | None:
    """Return when the current release began to serve."""
    last = seen["transaction"]
    known = {entry["release"]: entry["since"] for entry in seen["served"]}
    if began := known.get(seen["current"]):
        return str(began)
    # A host that older code switched has its journal alone.
    committed = last["outcome"] == "committed" and last["release"] == seen["current"]
    return str(last["ended"]) if committed else None
