"""Tools take turns, slow ones fewer; a ratio is to the floor of the same turn."""

from bench.converge.gauge import Measured
from bench.converge.tools import FLOOR, Run, Tool, known
from bench.converge.turns import COLUMNS, cells, row, turns

TOOLS = [known()[name] for name in (FLOOR, "metalserve", "ansible")]


def took(seconds: float) -> Measured:
    return Measured(code=0, out="", err="", wall_s=seconds, cpu_s=seconds / 2, peak_mib=30.04)


def test_each_turn_begins_with_the_next() -> None:
    order = []

    def once(tool: Tool) -> Measured:
        order.append(tool.name)
        return took(1)

    taken = turns(TOOLS, once, most=2, each_s=60)
    floor, ours, ansible = (tool.name for tool in TOOLS)
    assert order == [floor, ours, ansible, ours, ansible, floor]
    assert [set(turn) for turn in taken] == [{floor, ours, ansible}] * 2


def test_slow_tools_sit_out() -> None:
    seconds = {FLOOR: 40, "metalserve": 10, "ansible": 50}
    taken = turns(TOOLS, lambda tool: took(seconds[tool.name]), most=9, each_s=25)
    # The floor takes part as long as there is something beside it.
    assert [sorted(turn) for turn in taken] == [
        ["ansible", "metalserve", FLOOR],
        ["metalserve", FLOOR],
        ["metalserve", FLOOR],
    ]


def test_row() -> None:
    walls = [(1.0, 3.0), (2.0, 4.0), (1.0, 9.0)]
    taken = [{FLOOR: took(base), "ansible": took(mine)} for base, mine in walls]
    taken.append({FLOOR: took(100)})
    found = row(known()["ansible"], Run.FIRST, hosts=8, rtt_ms=40, turns=taken)
    assert found == {
        "tool": "ansible",
        "run": "first",
        "hosts": 8,
        "rtt_ms": 40,
        "wall_s": 4.0,
        "ratio": 3.0,
        "cpu_s": 2.0,
        "peak_mib": 30.0,
        "walls_s": [3.0, 4.0, 9.0],
        "ratios": [3.0, 2.0, 9.0],
        "version": known()["ansible"].version,
    }
    shown = ["ansible", "first", 8, 40, "4.00 (3.00–9.00)", "3.00 (2.00–9.00)", 2.0, 30.0, 3]
    assert cells(found) == shown
    assert len(shown) == len(COLUMNS)
