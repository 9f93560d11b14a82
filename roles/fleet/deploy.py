"""Have hosts serve their releases, wave by wave."""

from pyinfra import host
from pyinfra.api import deploy

from roles import release
from roles.fleet import operations, told
from roles.fleet.members import Towards, rollout
from roles.spec import HostSpec


@deploy("Activate")
def activate(spec: HostSpec) -> None:
    """Switch each instance to its release; what served before serves again if that fails."""
    release.tell_unwanted(spec=spec)
    _go("Activate", Towards.FORWARD)


@deploy("Roll back")
def roll_back() -> None:
    """Switch each instance to the release before the one that serves."""
    _go("Roll back", Towards.BACK)


def _go(verb: str, towards: Towards) -> None:
    """Have every host of the run take part in every wave: pyinfra ends one before the next."""
    together = rollout(host, towards)
    plan, steps = together.plan, told.steps(together.plan)
    # A host that fails in a step takes no part in those after it, of which it may need some.
    goes_on = bool(plan.waves) and (together.goes_back or len(plan.waves) > 1)
    for number, step in enumerate(steps, start=1):
        if number > 1 and plan.fleet.settle_s:
            operations.settled_wave(
                name=f"Look again after {plan.fleet.settle_s} s",
                rollout=together,
                _ignore_errors=goes_on,
            )
        operations.serving_wave(
            name=f"{verb} {step}",
            rollout=together,
            number=number,
            towards=towards,
            _ignore_errors=goes_on,
        )
    if goes_on and together.goes_back:
        operations.release_before(name="Go back if the rest was refused", rollout=together)
    if goes_on:
        operations.well_in_the_end(name="Judge the waves", rollout=together)
