"""A host's turn is told by its journal, and its end by its first answer through the gateway."""

from typing import Any

import pytest

from bench.fleet.heard import Line
from bench.fleet.turns import Turn, began, turn

BEGAN = 1732660000


def journal(outcome: str, ended: int, **steps: int) -> dict[str, Any]:
    """Return a journal; steps and end are seconds after the beginning."""
    named = [
        {"step": name.replace("_", " "), "at": _told(second)} for name, second in steps.items()
    ]
    return {"began": _told(0), "steps": named, "outcome": outcome, "ended": _told(ended)}


def _told(second: int) -> str:
    return f"2024-11-26T22:{26 + (40 + second) // 60:02}:{(40 + second) % 60:02}Z"


def line(host: str, second: float, status: int = 200, end: str = "----") -> Line:
    return Line(BEGAN + second, "client-1", f"{host}:chat", status, end)


LINES = [
    line("fleet-2", 3.5),
    line("fleet-1", 31.0),
    line("fleet-2", 30.9, 502, "SH--"),
    line("fleet-2", 32.25),
    line("fleet-2", 33.0),
]


def test_began() -> None:
    assert began(journal("committed", 1, begin=0)) == BEGAN


@pytest.mark.parametrize(
    ("kept", "lines", "wanted"),
    [
        (
            journal("committed", 30, begin=0, drain=1, swap=6, restart=6, ask=25, commit=30),
            LINES,
            Turn("fleet-2", "committed", 5, 24, 2.2),
        ),
        (
            journal("rolled back", 30, begin=0, drain=0, swap=4, ask=9, swap_back=12, ask_back=28),
            LINES,
            Turn("fleet-2", "rolled back", 4, 26, 2.2),
        ),
        # It never came back; it was restored by a boot, having not come to the swap.
        (
            journal("committed", 40, drain=1, swap=6),
            LINES,
            Turn("fleet-2", "committed", 5, 34, None),
        ),
        (
            journal("restored at boot", 30, begin=0, drain=1),
            LINES,
            Turn("fleet-2", "restored at boot", 29, 0, 2.2),
        ),
    ],
)
def test_turn(kept: dict[str, Any], lines: list[Line], wanted: Turn) -> None:
    assert turn("fleet-2", kept, lines) == wanted
