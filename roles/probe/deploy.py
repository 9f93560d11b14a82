"""Ask a host once, and tell what of an earlier run still holds there."""

import contextlib
from collections.abc import Iterable, Mapping
from typing import Any, cast

import gevent
from gevent.lock import RLock
from paramiko import SSHException
from pyinfra.api import Host
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.output import echo

from roles import job
from roles.probe.facts import Probe, program, silent, there
from roles.spec import HostSpec

_ASKED = "metalserve probe"
_ASKING = "metalserve probe lock"
_RENEWED = "metalserve probe renewed"


def of(host: Host) -> dict[str, Any]:
    """Return the probe of a host, asked on first use and kept for the run."""
    with host.connector_data.setdefault(_ASKING, RLock()):
        if _ASKED not in host.connector_data:
            job.tune(host)
            try:
                host.connector_data[_ASKED] = _first(host)
            except PyinfraError as error:  # "No hosts remaining!", which says why of none
                host.connector_data[_ASKED] = silent(str(error))
        return cast("dict[str, Any]", host.connector_data[_ASKED])


def _first(host: Host) -> dict[str, Any]:
    """Ask the probe that a prepared host has, else the one that is sent."""
    spec = host.data.spec
    about = _about(spec)
    found = host.get_fact(Probe, **about, _stdin=there(spec.accelerator))
    return found or host.get_fact(Probe, **about, _stdin=program(spec.accelerator)) or silent()


def _about(spec: HostSpec) -> dict[str, str]:
    return {
        "python": spec.python,
        "weights_root": spec.weights_root,
        "accelerator": str(spec.accelerator),
    }


def ask(hosts: Iterable[Host]) -> None:
    """Ask hosts, all at once, that were not asked yet."""
    gevent.joinall([gevent.spawn(of, host) for host in hosts], raise_error=True)


def renew(host: Host) -> dict[str, Any]:
    """
    Ask a host again, after a change that the run made there, and keep the answer instead.

    Unlike a fact that fails, no answer does not fail the host: it may be on its way through a boot.
    """
    try:
        _, found = _asked(host, job.connector_arguments(host))
    except (OSError, EOFError, SSHException) as error:
        found = silent(str(error))
    host.connector_data[_ASKED], host.connector_data[_RENEWED] = found or silent(), True
    return cast("dict[str, Any]", host.connector_data[_ASKED])


def ahead(host: Host) -> None:
    """Ask a host before anything needs to know; one that cannot be asked is left for later."""
    with host.connector_data.setdefault(_ASKING, RLock()):
        if _ASKED in host.connector_data:
            return
        job.tune(host)
        known: Mapping[str, Any] = pop_global_arguments(host.state, host, {})[0]
        arguments = {key: known[key] for key in CONNECTOR_ARGUMENT_KEYS if key in known}
        with contextlib.suppress(OSError, EOFError, SSHException):
            done, found = _asked(host, arguments)
            if done and found:
                host.connector_data[_ASKED] = found


def _asked(host: Host, arguments: dict[str, Any]) -> tuple[bool, dict[str, Any] | None]:
    """
    Ask the probe that a prepared host has, else the one that is sent. Return whether the host could
    run what it was sent, and its answer; ``None`` for nothing.
    """
    command, found = Probe().command(**_about(host.data.spec)), None
    for text in (there, program):
        sent = {"_stdin": text(host.data.spec.accelerator)}
        done, output = host.run_shell_command(command, **arguments | sent)
        found = Probe().process(output.stdout_lines) if output.stdout_lines else None
        if found or not done:
            break
    return done, found


def renewed(host: Host) -> bool:
    """Say whether a host was asked again in this run: it is no longer as it was judged."""
    return bool(host.connector_data.get(_RENEWED))


def holds(host: Host, *, phase: str, digest: str) -> bool:
    """Say whether a phase left its receipt for ``digest`` and nothing drifted since; tell drift."""
    lines = drift(host, phase=phase, digest=digest)
    for line in lines or ():
        echo(f"{host.print_prefix}drift in {phase}: {line}", err=True)
    return lines == []


def drift(host: Host, *, phase: str, digest: str) -> list[str] | None:
    """Return what drifted since a phase left its receipt for ``digest``; ``None`` without one."""
    receipts: dict[str, Any] = of(host)["receipts"] or {}
    receipt = receipts.get(phase, {"digest": None})
    return list(receipt["drift"]) if receipt["digest"] == digest else None
