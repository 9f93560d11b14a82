"""Make a host ready for its stacks' engines: driver and toolkits."""

from pyinfra import host
from pyinfra.api import deploy

from roles import probe
from roles.platform import operations, plan
from roles.platform.step import PlatformError
from roles.spec import HostSpec


@deploy("Driver and toolkits")
def ready(spec: HostSpec) -> None:
    """Have driver and toolkits at their pinned versions, through reboots if they are allowed."""
    if plan.asked(spec):
        operations.platform(name=_name(spec), wanted=spec)


def _name(spec: HostSpec) -> str:
    """Return the steps as the first look has them, so that a dry run shows them."""
    try:
        words = plan.needed(spec, probe.of(host)).words
    except PlatformError:
        words = ""
    return f"Bring {plan.described(spec)}{words and f': {words}'}"
