"""Judge every host's plan before the first change, and refuse all of it for any reason."""

from collections.abc import Iterator

import gevent
from gevent.lock import RLock
from pyinfra import state
from pyinfra.api import DeployError, Host
from pyinfra.api.output import echo

from roles import instance, probe
from roles.preflight.reasons import Reason, against
from roles.spec import HostSpec

_judging = RLock()
_verdicts: dict[str, list[Reason]] = {}


def refuse_wrong_plans() -> None:
    """
    Ask every host, and stop the run when a plan cannot work on one of them.

    :raises DeployError: with every reason of every host
    """
    with _judging:
        if not _verdicts:
            judge()
    refused = {name: reasons for name, reasons in _verdicts.items() if reasons}
    if refused:
        raise DeployError(_told(refused))


def judge() -> dict[str, list[Reason]]:
    """Return the reasons of every host of the run, asked all at once."""
    hosts = list(state.inventory.get_active_hosts())
    asked = [gevent.spawn(_reasons, one) for one in hosts]
    gevent.joinall(asked, raise_error=True)
    _verdicts.update({one.name: job.value for one, job in zip(hosts, asked, strict=True)})
    if not any(_verdicts.values()):
        echo(f"    {len(hosts)} host(s) asked, nothing speaks against the plan", err=True)
    return _verdicts


def _reasons(asked: Host) -> list[Reason]:
    spec: HostSpec = asked.data.spec
    return [*against(spec, probe.of(asked)), *_secrets(spec)]


def _secrets(spec: HostSpec) -> Iterator[Reason]:
    for one in spec.instances:
        try:
            if one.api_key:
                instance.resolve(one.api_key)
        except instance.SecretError as error:
            yield Reason(
                code="secret",
                path=f"instances/{one.name}/api_key",
                found=str(error),
                wanted="a secret of 16 or more printable characters",
                remedy="put it there and run again",
            )


def _told(refused: dict[str, list[Reason]]) -> str:
    lines = [
        f"  {name}/{reason}" for name, reasons in sorted(refused.items()) for reason in reasons
    ]
    return "refused, nothing was changed on any host\n" + "\n".join(lines)
