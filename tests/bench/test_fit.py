"""A line by what it gives back, and how far off it is told to be."""

import pytest

from bench import fit


def test_what_lies_on_a_line() -> None:
    assert fit.line([1, 10, 100], [3.0, 21.0, 201.0]) == pytest.approx((1.0, 2.0, 0.0))


def test_what_does_not_says_how_far_off() -> None:
    found = fit.line([1, 2, 3], [1.0, 2.0, 6.0])
    assert found is not None
    assert found == pytest.approx((-2.0, 2.5, 0.5))


@pytest.mark.parametrize("counts", [[1, 10], [5, 5, 5]])
def test_too_few_are_any_line(counts: list[int]) -> None:
    assert fit.line(counts, [1.0] * len(counts)) is None
