"""The page in a real browser: light and dark, a few hosts and many, on a desk and on a phone."""

import os
from pathlib import Path

import pytest

from roles.lab import LabError, packages
from roles.status import page
from tests.roles.status import browser, fleets

pytestmark = pytest.mark.lab

_PHONE, _DESK = 390, 1200


@pytest.fixture(scope="module", autouse=True)
def installed() -> None:
    """The browser, from the distribution."""
    try:
        packages.refuse_other_machines()
        packages.install(browser.PROGRAM)
    except LabError as error:
        if os.environ.get("CI") == "true":
            raise
        pytest.skip(str(error))


@pytest.mark.parametrize(
    ("count", "width", "dark", "shown", "tall"),
    [
        (4, _PHONE, False, {"wrong": 2, "unknown": 1, "look": 1}, 5),
        (4, _DESK, True, {"wrong": 2, "unknown": 1, "look": 1}, 3),
        (200, _PHONE, True, {"wrong": 4, "unknown": 2, "look": 4}, 9),
        (200, _DESK, False, {"wrong": 4, "unknown": 2, "look": 4}, 4),
    ],
)
def test_page(
    tmp_path: Path, count: int, width: int, dark: bool, shown: dict[str, int], tall: int
) -> None:
    """
    :param shown: hosts that are read without unfolding anything
    :param tall: screens that it takes then, at most
    """
    found = browser.look(page.of(fleets.of(count)), tmp_path, width=width, dark=dark)
    assert (found["width"], found["dark"]) == (width, dark)
    assert found["ground"] == ("rgb(15, 18, 21)" if dark else "rgb(247, 247, 245)")
    # Nothing is beside the window, also when everything is unfolded.
    assert (found["scrolls"], found["opened"], found["cut"]) == (width, width, [])
    assert (found["asked"], found["refused"]) == ([], 0)
    assert found["cards"] == count
    assert {state: found["shown"].count(state) for state in set(found["shown"])} == shown
    # The first host in trouble is on the first screen.
    assert found["first"] < browser.HEIGHT
    assert found["height"] < tall * browser.HEIGHT
    assert found["small"] >= 11
