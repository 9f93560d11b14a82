"""Which hosts of a run bring a model together."""

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Network
from typing import Any

import pytest
from pyinfra.api import Config, Host, Inventory, State

from roles.spec import HostSpec, Spread, Weights, WeightsFile
from roles.weights import receipt
from roles.weights.spread import swarm
from tests.roles.faked import bare
from tests.roles.spec.nouns import HASH, Nouns

NETWORK = IPv4Network("10.0.0.0/16")
_PROBED = "metalserve probe"


@contextmanager
def fleet(*specs: HostSpec, holding: tuple[int, ...] = ()) -> Iterator[list[Host]]:
    """Be in a run of hosts, of which some hold the weights of their instance."""
    hosts = [(f"@fake/gpu-{n}", {"spec": spec}) for n, spec in enumerate(specs, start=1)]
    state = State(Inventory((hosts, {})), Config())
    found = [state.inventory.get_host(name) for name, _ in hosts]
    for number, (host, spec) in enumerate(zip(found, specs, strict=True), start=1):
        state.active_hosts.add(host)
        kept: dict[str, Any] = {}
        if number in holding:
            weights = spec.instances[0].weights
            phase, digest = receipt(weights, root=spec.weights_root)
            kept = {phase: {"digest": digest, "drift": []}}
        host.connector_data[_PROBED] = bare() | {"receipts": kept}
    yield found


@pytest.fixture
def weights(nouns: Nouns) -> Weights:
    """What all of them need."""
    return nouns.weights()


def _spec(nouns: Nouns, weights: Weights, **spread: Any) -> HostSpec:
    return nouns.host(
        nouns.instance(weights=weights), spread=Spread(**{"network": NETWORK} | spread)
    )


def test_hosts_that_need_it_are_together(nouns: Nouns, weights: Weights) -> None:
    spec = _spec(nouns, weights)
    with fleet(spec, spec, spec) as hosts:
        together = swarm(hosts[0], weights)
        assert together is not None
        assert together is swarm(hosts[2], weights)
        assert together.holding == set()
        assert together.askers == {host.name for host in hosts}


def test_nobody_asks_the_sources_once_one_has_it(nouns: Nouns, weights: Weights) -> None:
    spec = _spec(nouns, weights)
    with fleet(spec, spec, holding=(2,)) as hosts:
        together = swarm(hosts[0], weights)
        assert together is not None
        assert together.holding == {"@fake/gpu-2"}
        assert together.askers == set()


def test_depots_ask_for_all(nouns: Nouns, weights: Weights) -> None:
    specs = [_spec(nouns, weights), _spec(nouns, weights, depot=True), _spec(nouns, weights)]
    with fleet(*specs) as hosts:
        together = swarm(hosts[0], weights)
        assert together is not None
        assert together.askers == {"@fake/gpu-2"}


@pytest.mark.parametrize("holding", [(), (1, 2)])
def test_alone_or_complete(holding: tuple[int, ...], nouns: Nouns, weights: Weights) -> None:
    """Alone, or with everybody complete, nobody has anything to give."""
    spec = _spec(nouns, weights)
    with fleet(*([spec, spec] if holding else [spec]), holding=holding) as hosts:
        assert swarm(hosts[0], weights) is None


def test_who_is_not_of_them(nouns: Nouns, weights: Weights) -> None:
    """Another network, another model, no spread: each for itself."""
    other = nouns.weights(
        name="qwen3-vl", files=(WeightsFile(path="config.json", size=2, sha256=HASH),)
    )
    specs = [
        _spec(nouns, weights),
        _spec(nouns, weights, network=IPv4Network("10.1.0.0/16")),
        _spec(nouns, other),
        nouns.host(nouns.instance(weights=weights)),
    ]
    with fleet(*specs) as hosts:
        for host in (hosts[0], hosts[1], hosts[3]):
            assert swarm(host, weights) is None


def test_what_each_is_told_of_the_others(nouns: Nouns, weights: Weights) -> None:
    specs = [_spec(nouns, weights, port=29650 + n) for n in range(4)]
    with fleet(*specs, holding=(1,)) as hosts:
        together = swarm(hosts[0], weights)
        assert together is not None
        together.addresses.update(
            {"@fake/gpu-1": "10.0.0.1", "@fake/gpu-2": "10.0.0.2", "@fake/gpu-4": "10.0.0.4"}
        )
        # The third did not answer: nobody is told of it.
        assert together.others("@fake/gpu-2") == [("10.0.0.1", 29650), ("10.0.0.4", 29653)]
        shares = [together.share(host.name) for host in hosts]
        assert shares == [(0, 3), (0, 3), (1, 3), (2, 3)]


def test_credentials_are_made_once_a_swarm(nouns: Nouns, weights: Weights) -> None:
    spec = _spec(nouns, weights)
    with fleet(spec, spec) as hosts:
        together = swarm(hosts[0], weights)
        assert together is not None
        first = together.credentials
        assert first is together.credentials
        assert first["key"].startswith("-----BEGIN PRIVATE KEY-----")
    with fleet(spec, spec) as hosts:
        again = swarm(hosts[0], weights)
        assert again is not None
        assert again.credentials["key"] != first["key"]
