"""Versions in order."""

from itertools import pairwise

import pytest

from roles import versions

IN_ORDER = [
    ["8.1.RC1", "8.2.RC1.alpha001", "8.2.RC1", "8.2.RC2", "8.2", "8.2.post1", "8.2.0.1", "8.2.1"],
    ["0.9.1", "0.10.2", "0.18.0", "0.18.1.post1", "0.18.2", "0.20.2"],
    ["470.256.02", "525", "525.60.13", "570.26", "570.124.06", "580.65.06"],
    ["24.1.rc3", "24.1.0", "25.0.rc1.1", "25.0", "25.5.1"],
    ["2.3.0", "3.0.T1", "3.0.0alpha1", "3.0.0.beta.1", "3.0.RC1", "3.0.0", "3.0.1"],
    ["2.1.0.dev20240306", "2.1.0rc1", "2.1.0", "2.1.0.post17"],
    ["7.5", "8.0", "8.6", "10.0", "12.0"],
]


@pytest.mark.parametrize("known", IN_ORDER)
def test_order(known: list[str]) -> None:
    for first, second in pairwise(known):
        assert versions.older(first, second)
        assert not versions.older(second, first)


@pytest.mark.parametrize(
    ("one", "other"), [("8.2", "8.2.0"), ("2.8.0", "2.8.0+cu128"), ("8.2.RC1", "8.2.rc1")]
)
def test_same(one: str, other: str) -> None:
    assert versions.key(one) == versions.key(other)


@pytest.mark.parametrize(
    ("version", "first", "right"),
    [
        ("8.2.RC1", "8.2", True),
        ("8.5.1", "8.5.1", True),
        ("8.5.10", "8.5.1", False),
        ("8.50", "8.5", False),
        ("8.2", "8.2.RC1", False),
    ],
)
def test_begins(version: str, first: str, right: bool) -> None:
    assert versions.begins(version, first) is right


@pytest.mark.parametrize(
    ("version", "low", "high", "right"),
    [
        ("7.7.0.1.231", "7.0.0", "7.7.99", True),
        ("7.8.0.1.231", "7.0.0", "7.7.99", False),
        ("6.4.0.4.220", "7.0.0", "7.7.99", False),
        ("24.1.rc3", "24.1", "24.1.", True),
        ("24.1.0.1", "24.1", "24.1.", True),
        ("25.0.rc1.1", "24.1", "24.1.", False),
        ("23.0.7", "24.1", "24.1.", False),
    ],
)
def test_between(version: str, low: str, high: str, right: bool) -> None:
    assert versions.between(version, low, high) is right
