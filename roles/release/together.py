"""Hosts that serve one instance together change to a release together, or not at all."""

from pyinfra.api import Host

from roles.spec import Instance


def others(host: Host, instance: Instance) -> list[Host]:
    """Return the other hosts of the run that serve an instance, none of which has failed."""
    names = _names(instance) - {host.name}
    return [one for one in host.state.active_hosts if one.name in names] if names else []


def absent(host: Host, instance: Instance) -> str:
    """Return why an instance cannot change in this run, empty when all its hosts are in it."""
    there = {host.name, *(one.name for one in others(host, instance))}
    missing = sorted(_names(instance) - there)
    if not missing:
        return ""
    return (
        f"{instance.name} is served together with {', '.join(missing)}, not in this run or failed "
        "in it, so nothing was changed; run it for all of its hosts"
    )


def _names(instance: Instance) -> set[str]:
    return {one.host for one in instance.across.ranks} if instance.across else set()
