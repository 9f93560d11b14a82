"""The instances of a host: those that the inventory wants, and any other that is there."""

from typing import Any

from roles import release
from roles.spec import HostSpec, Instance
from roles.status import state

Found = dict[str, Any]

_SERVES_NOT = ("broken", "nothing serves")
_ASKED = ("committed", "rolled back")


def of(host: str, spec: HostSpec, found: Found) -> list[dict[str, Any]]:
    """Return every instance, as the probe saw it and the inventory wants it."""
    wanted = {instance.name: instance for instance in spec.instances}
    there: Found = found["instances"] or {}
    others = [
        name
        for name, seen in there.items()
        if name not in wanted and (seen["current"] or seen["unit"])
    ]
    return [
        *(_wanted(instance, host, spec, found) for instance in wanted.values()),
        *(_unwanted(name, there[name]) for name in others),
    ]


def _wanted(instance: Instance, host: str, spec: HostSpec, found: Found) -> dict[str, Any]:
    name, look = _named(instance, spec)
    described = {
        "name": instance.name,
        "model": instance.served_as,
        "weights": instance.weights.name,
        "engine": str(instance.stack.engine),
        "stack": instance.stack.name,
        "devices": list(instance.devices),
        "endpoint": _ranked(instance, host) or instance.endpoint,
        "rank": _ranked(instance, host),
        "wanted": name,
    }
    if found["instances"] is None:
        return described | _judged(None, unknown=["what it runs is not known"])
    seen = found["instances"].get(instance.name)
    if not seen or not seen["current"]:
        wrong = [_absent(seen, name or "an instance")]
        if seen and seen["transaction"]["why"]:
            wrong.append(_ended(seen["transaction"]))
        return described | _judged(seen, wrong=wrong, look=look)
    if name and seen["current"] != name:
        look.append(f"the inventory wants {name}")
    return described | _about(seen) | _served(instance.name, seen, found, look)


def _absent(seen: Found | None, wanted: str) -> str:
    """Say that nothing is current, whatever still runs."""
    if seen and seen["unit"]:
        return _astray(seen["unit"], "nothing is current")
    return f"nothing is there, {wanted} is wanted"


def _down(unit: str | None, how: str | None, waits: str | None) -> str:
    if unit is None:
        return "its unit is not up"
    if waits:
        return f"{unit} waits to begin together: {waits}"
    return f"{unit} is not up ({how}): journalctl -eu {unit} tells why, deploy/main.py starts it"


def _astray(unit: str, current: str) -> str:
    return (
        f"{current}, and {unit} runs what was: gateways send it nothing, and it does not start "
        "again; deploy/main.py mends it"
    )


def _named(instance: Instance, spec: HostSpec) -> tuple[str | None, list[str]]:
    """Return the release that the inventory wants, or why it has no name: some engine's has not."""
    try:
        return release.Release(spec=spec, instance=instance).name, []
    except ValueError as error:
        return None, [str(error)]


def _ranked(instance: Instance, host: str) -> str | None:
    """Return which part of it a host is that another answers for; nothing of all others."""
    rank = instance.rank(host)
    if not rank or instance.across is None:
        return None
    return f"rank {rank} of {len(instance.across.ranks)}, its head is {instance.across.head.host}"


def _unwanted(name: str, seen: Found) -> dict[str, Any]:
    """An instance that no inventory speaks of, as its own release describes it."""
    about = seen["about"] or {}
    described = {
        "name": name,
        "model": None,
        "weights": None,
        "engine": None,
        "stack": None,
        "devices": about.get("devices") or [],
        "endpoint": f"{about['address']}:{about['port']}" if "address" in about else None,
        "rank": None,
        "wanted": None,
    }
    return described | _about(seen) | _judged(seen, look=["it is not in the inventory"])


def _about(seen: Found) -> dict[str, Any]:
    """What runs, in the words of its release: it may be another than the one wanted."""
    about = seen["about"] or {}
    return {key: about[key] for key in ("model", "weights", "engine", "stack") if key in about}


def _served(name: str, seen: Found, found: Found, look: list[str]) -> dict[str, Any]:
    last, wrong = seen["transaction"], []
    at_work = f"activate-{name}" in (found["jobs"] or ())
    if last["release"] and last["outcome"] is None and at_work:
        look.append(f"an activation of {last['release']} is at work since {last['began']}")
    elif last["release"] and last["outcome"] is None:
        wrong.append(
            f"an activation of {last['release']} was cut short; the next one, or a boot, ends it"
        )
    elif last["outcome"] in _SERVES_NOT:
        wrong.append(_ended(last))
    elif last["why"]:
        look.append(_ended(last))
    if not seen["about"] and seen["unit"]:
        wrong.append(_astray(seen["unit"], f"{seen['current']} is current and is not there"))
    elif not seen["active"] and not at_work:
        wrong.append(_down(seen["unit"], seen["state"], seen.get("waits")))
    return _judged(seen, wrong=wrong, look=look)


def _ended(last: Found) -> str:
    return f"the activation of {last['release']} ended with {last['outcome']!r}: {last['why']}"


def _judged(
    seen: Found | None,
    *,
    wrong: list[str] | None = None,
    unknown: list[str] | None = None,
    look: list[str] | None = None,
) -> dict[str, Any]:
    out = (seen or {}).get("out") or []
    look = [*(f"in quarantine: {why}" for why in out), *(look or [])]
    told = {"wrong": wrong or [], "unknown": unknown or [], "look": look}
    last = (seen or {}).get("transaction") or {}
    current = seen and seen["current"]
    serves = bool(seen and seen["active"])
    return {
        "release": current,
        "previous": seen and seen["previous"],
        "bad": (seen or {}).get("bad") or {},
        "since": release.since(seen) if seen and current else None,
        # An activation asks what it leaves, on the way back too.
        "started": last["ended"] if last.get("outcome") in _ASKED else None,
        "serves": None if unknown else serves,
        "out": out,
        "checks": None,
        "state": state.of(**told),
        **told,
    }
