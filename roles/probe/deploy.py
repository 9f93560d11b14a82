"""Ask a host once, and tell what of an earlier run still holds there."""

from collections.abc import Iterable
from typing import Any, cast

import gevent
from gevent.lock import RLock
from paramiko import SSHException
from pyinfra.api import Host
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.output import echo

from roles import job
from roles.probe.facts import Probe, program, silent

_ASKED = "metalserve probe"
_ASKING = "metalserve probe lock"
_RENEWED = "metalserve probe renewed"


def of(host: Host) -> dict[str, Any]:
    """Return the probe of a host, asked on first use and kept for the run."""
    with host.connector_data.setdefault(_ASKING, RLock()):
        if _ASKED not in host.connector_data:
            spec = host.data.spec
            job.tune(host)
            try:
                host.connector_data[_ASKED] = host.get_fact(
                    Probe,
                    python=spec.python,
                    weights_root=spec.weights_root,
                    accelerator=str(spec.accelerator),
                    _stdin=program(spec.accelerator),
                )
            except PyinfraError as error:  # "No hosts remaining!", which says why of none
                host.connector_data[_ASKED] = silent(str(error))
        return cast("dict[str, Any]", host.connector_data[_ASKED])


def ask(hosts: Iterable[Host]) -> None:
    """Ask hosts, all at once, that were not asked yet."""
    gevent.joinall([gevent.spawn(of, host) for host in hosts], raise_error=True)


def renew(host: Host) -> dict[str, Any]:
    """
    Ask a host again, after a change that the run made there, and keep the answer instead.

    Unlike a fact that fails, no answer does not fail the host: it may be on its way through a boot.
    """
    spec = host.data.spec
    command = Probe().command(
        python=spec.python, weights_root=spec.weights_root, accelerator=str(spec.accelerator)
    )
    asked = job.connector_arguments(host) | {"_stdin": program(spec.accelerator)}
    try:
        _, output = host.run_shell_command(command, **asked)
        found = Probe().process(output.stdout_lines) if output.stdout_lines else silent()
    except (OSError, EOFError, SSHException) as error:
        found = silent(str(error))
    host.connector_data[_ASKED], host.connector_data[_RENEWED] = found, True
    return found


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
