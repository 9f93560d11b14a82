"""How a change is rolled out: what is right, and what cannot be kept."""

from typing import Any

import pytest

from roles.spec import Fleet, SpecError, inventory
from tests.roles.spec.nouns import Nouns

WRONG: dict[str, tuple[dict[str, Any], str]] = {
    "not growing": (
        {"shares": (50, 20, 100)},
        "shares: is (50, 20, 100), should grow from wave to wave up to 100, as in (10, 30, 100)",
    ),
    "not all": (
        {"shares": (10, 90)},
        "shares: is (10, 90), should grow from wave to wave up to 100, as in (10, 30, 100)",
    ),
    "nothing first": (
        {"shares": (0, 100)},
        "shares: is (0, 100), should grow from wave to wave up to 100, as in (10, 30, 100)",
    ),
    "all of them": ({"serving": 100}, "serving: is 100, should be less than or equal to 99"),
    "less than none": ({"at_least": {"qwen": -1}}, "at_least/qwen: is -1, should be 0 or more"),
    "another word": (
        {"on_refusal": "forward"}, "on_refusal: is 'forward', should be 'stay' or 'back'",
    ),
    "another key": (
        {"cannary": 2}, "cannary: there is no such key, did you mean canary",
    ),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "line"), WRONG.values(), ids=WRONG)
def test_wrong(nouns: Nouns, fields: dict[str, Any], line: str) -> None:
    with pytest.raises(SpecError) as caught:
        inventory({"gpu-1": nouns.chat()}, fleet=Fleet(**fields))
    assert str(caught.value) == f"1 fault in the inventory\n  fleet/{line}"


UNKEPT = {
    "unknown": ({"qwen": 1}, "at_least/qwen: is served by no instance, should be one of qwen3-8b"),
    "all": (
        {"qwen3-8b": 2},
        "at_least/qwen3-8b: is 2 of 2, so that none could ever be upgraded, should be 1 or fewer",
    ),
}


@pytest.mark.parametrize(("least", "line"), UNKEPT.values(), ids=UNKEPT)
def test_what_cannot_be_kept(nouns: Nouns, least: dict[str, int], line: str) -> None:
    spec = nouns.chat()
    with pytest.raises(SpecError, match=r"1 fault in the inventory") as caught:
        inventory({"gpu-1": spec, "gpu-2": spec}, fleet=Fleet(at_least=least))
    assert line in str(caught.value)


def test_each_host_knows_it(nouns: Nouns) -> None:
    fleet = Fleet(at_least={"qwen3-8b": 1})
    (hosts,) = inventory({"gpu-1": nouns.chat(), "gpu-2": nouns.chat()}, fleet=fleet)
    assert [data["fleet"] for _, data in hosts] == [fleet, fleet]
    assert fleet.to_json()["on_refusal"] == "stay"


@pytest.mark.parametrize(
    ("instances", "floor"), [(0, 0), (1, 0), (2, 1), (3, 2), (4, 3), (100, 75)]
)
def test_floor(instances: int, floor: int) -> None:
    """Rounded down: one instance may be upgraded, if it is the only one."""
    assert Fleet().floor("qwen", instances) == floor
    assert Fleet(at_least={"qwen": 1}).floor("qwen", instances) == 1
