"""Judge every host's plan before the first change, and refuse all of it for any reason."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import gevent
from gevent.lock import RLock
from pyinfra import state
from pyinfra.api import DeployError, Host, deploy

from roles import gateway, instance, platform, probe
from roles.preflight import across, operations, told
from roles.preflight.health import placed
from roles.preflight.reasons import Reason, against
from roles.spec import HostSpec, Secret


class _Kind(NamedTuple):
    """How a secret is read, and what it should be."""

    read: Callable[[Secret], str]
    wanted: str


_TOKEN = _Kind(instance.resolve, "a secret of 16 or more printable characters")
_KEY = _Kind(instance.private_key, "a private key without a passphrase")
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
    if any(reason.refuses for reasons in _verdicts.values() for reason in reasons):
        raise DeployError(told.refusal(_verdicts))


def judge() -> dict[str, list[Reason]]:
    """Return the reasons of every host of the run, asked all at once, and tell them."""
    hosts = list(state.inventory.get_active_hosts())
    asked = [gevent.spawn(_reasons, one) for one in hosts]
    gevent.joinall(asked, raise_error=True)
    told_of = {one.name: job.value for one, job in zip(hosts, asked, strict=True)}
    together = {one.name: across.Seen(one.data.spec, probe.of(one)) for one in hosts}
    for name, reasons in told_of.items():
        reasons += across.reasons(name, together)
    _verdicts.update(told_of)
    for file in {one.data.get("reasons") for one in hosts} - {None}:
        told.write(_verdicts, str(file))
    told.show(_verdicts)
    return _verdicts


def verdicts() -> dict[str, list[Reason]]:
    """Return what was judged in this run, nothing before it was."""
    return _verdicts


@deploy("Judge again")
def judge_again(spec: HostSpec) -> None:
    """Judge the plan of a host by what can be seen once this run has installed its driver."""
    if platform.asked(spec):
        operations.fitting_plan(name="Judge the plan again")


def _reasons(asked: Host) -> list[Reason]:
    spec: HostSpec = asked.data.spec
    found = probe.of(asked)
    reasons = [*against(spec, found), *_secrets(asked)]
    if not found["faults"]:
        # What comes after goes by where instances were moved to.
        asked.data.spec, _ = placed(spec, found)
    return reasons


def _secrets(asked: Host) -> Iterator[Reason]:
    of_gateway = [(path, secret, _TOKEN) for path, secret in gateway.keys(asked)]
    for path, secret, kind in [*_named(asked.data.spec), *of_gateway]:
        try:
            kind.read(secret)
        except instance.SecretError as error:
            yield Reason(
                code="secret",
                path=path,
                found=str(error),
                wanted=kind.wanted,
                remedy="put it there and run again",
            )


def _named(spec: HostSpec) -> Iterator[tuple[str, Secret, _Kind]]:
    """Every secret that a host needs, by where the inventory names it, and of which kind it is."""
    for one in spec.instances:
        if one.api_key:
            yield f"instances/{one.name}/api_key", one.api_key, _TOKEN
        for index, source in enumerate(one.weights.sources):
            for field, kind in (("token", _TOKEN), ("key", _KEY)):
                if secret := getattr(source, field, None):
                    path = f"instances/{one.name}/weights/sources/{index}/{field}"
                    yield path, secret, kind
