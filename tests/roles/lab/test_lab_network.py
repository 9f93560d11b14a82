"""Subnets of labs keep out of each other's way, and of this machine's."""

import ipaddress

import pytest

from roles.lab import LabError, network
from roles.lab.network import Network


@pytest.fixture(autouse=True)
def routes(monkeypatch: pytest.MonkeyPatch) -> list[ipaddress.IPv4Network]:
    routes: list[ipaddress.IPv4Network] = []
    monkeypatch.setattr(network, "_routes", lambda: routes)
    return routes


def test_one_name_has_one_subnet() -> None:
    assert network.choose("lab", taken=[]) == network.choose("lab", taken=[])
    assert network.choose("lab", taken=[]) != network.choose("test", taken=[])


def test_taken_and_routed_subnets_are_passed_over(routes: list[ipaddress.IPv4Network]) -> None:
    first = network.choose("lab", taken=[])
    second = network.choose("lab", taken=[first.index])
    routes.append(second.subnet)
    third = network.choose("lab", taken=[first.index])
    assert len({first, second, third}) == 3


def test_no_room_is_an_error(routes: list[ipaddress.IPv4Network]) -> None:
    routes.append(ipaddress.IPv4Network("10.0.0.0/8"))
    with pytest.raises(LabError, match="all 250 lab subnets are in use"):
        network.choose("lab", taken=[])


def test_names_and_addresses_fit() -> None:
    last = Network(250)
    assert (last.gateway, last.address(1), last.address(250)) == (
        "10.87.250.1",
        "10.87.250.2",
        "10.87.250.251",
    )
    # The kernel takes 15 characters.
    assert max(map(len, (last.link(250), *last.taps(250), last.own_bridge(250)))) <= 15


@pytest.mark.parametrize("count", [0, 251, "two", 1.5])
def test_other_counts_are_refused(count: object) -> None:
    with pytest.raises(LabError, match=f"hosts: {count!r}, a number from 1 to 250 is right"):
        network.refuse_other_counts(count)
