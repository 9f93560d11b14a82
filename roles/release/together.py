"""Hosts that serve one instance together change to a release together, or not at all."""

from collections.abc import Iterator

from pyinfra.api import Host

from roles.release.release import Release
from roles.spec import Instance


def script(host: Host, instance: Instance) -> str:
    """Return what a host's job runs: the head decides, the others follow it."""
    return "follow" if instance.rank(host.name) else "activate"


def others(host: Host, instance: Instance) -> list[tuple[Host, Release]]:
    """Return the other hosts of the run that serve an instance, with what they should serve."""
    found = _hosts(host, instance)
    return [(one, Release(spec=one.data.spec, instance=instance)) for one in found]


def absent(host: Host, instance: Instance) -> str:
    """Return why an instance cannot change in this run, empty when all its hosts are in it."""
    there = {host.name, *(one.name for one in _hosts(host, instance))}
    ranks = instance.across.ranks if instance.across else ()
    missing = [one.host for one in ranks if one.host not in there]
    if not missing:
        return ""
    return (
        f"{instance.name} is served together with {', '.join(missing)}, not in this run or failed "
        "in it, so nothing was changed; run it for all of its hosts"
    )


def _hosts(host: Host, instance: Instance) -> Iterator[Host]:
    names = {one.host for one in instance.across.ranks} if instance.across else set()
    for one in host.state.inventory:
        if one.name in names - {host.name} and one in host.state.active_hosts:
            yield one
