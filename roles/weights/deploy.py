"""Bring weights to a host."""

from weakref import WeakKeyDictionary

from pyinfra import host
from pyinfra.api import State, deploy

from roles.spec import HostSpec, Weights
from roles.weights import operations
from roles.weights.served import Served
from roles.weights.spread import operations as spread

# Each host of a run asks for what is the same to all of them.
_known: WeakKeyDictionary[State, list[Weights]] = WeakKeyDictionary()


@deploy("Bring weights")
def bring(spec: HostSpec) -> None:
    """Bring each model revision that an instance of the host needs, once; make what it reads."""
    wanted = {instance.weights.digest for instance in spec.instances}
    # Every host goes through the same ones, so that those who need one need it together.
    for weights in host.loop(_of_all_hosts(host.state)):
        if weights.digest not in wanted:
            continue
        named = f"{weights.name} {weights.digest[:12]}"
        operations.model_files(name=f"Bring {named}", weights=weights, onto=spec)
        if spec.spread:
            spread.offered_files(
                name=f"Offer {named} to the other hosts", weights=weights, onto=spec
            )
            spread.spread_files(name=f"Spread {named}", weights=weights, onto=spec)
            spread.ended_spread(name=f"End the spread of {named}", weights=weights, onto=spec)
    made = [one for i in spec.instances for one in Served(i, spec.weights_root).made]
    for one in {step.folder: step for step in made}.values():
        operations.made_files(name=one.title, made=one, python=spec.python)


def _of_all_hosts(state: State) -> list[Weights]:
    """Return every model revision of the run, in the same order on each host."""
    if state not in _known:
        specs = [one.data.spec for one in state.inventory.get_active_hosts()]
        found = {i.weights.digest: i.weights for spec in specs for i in spec.instances}
        _known[state] = sorted(found.values(), key=lambda weights: (weights.name, weights.digest))
    return _known[state]
