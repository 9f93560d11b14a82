"""Turns that tools take, as rows: medians, how far apart, ratios by turn against the floor."""

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from bench.converge.gauge import Measured
from bench.converge.tools import FLOOR, Run, Tool
from bench.told import spread

COLUMNS = (
    *("tool", "run", "hosts", "rtt, ms", "wall, s", f"× `{FLOOR}`", "CPU, s", "peak, MiB"),
    "pairs",
)
Row = dict[str, Any]
Turn = dict[str, Measured]


def turns(
    tools: Sequence[Tool], once: Callable[[Tool], Measured], *, most: int, each_s: float
) -> list[Turn]:
    """
    Have the tools take turns, each time beginning with the next one.

    :param once: runs a tool
    :param most: turns that there are at most
    :param each_s: a tool that has had so many seconds sits out, after its first turn
    """
    had = dict.fromkeys([tool.name for tool in tools], 0.0)
    taken: list[Turn] = []
    for number in range(most):
        first = number % len(tools)
        due = [
            tool
            for tool in (*tools[first:], *tools[:first])
            if number == 0 or tool.name == FLOOR or had[tool.name] < each_s
        ]
        if len(due) == 1:
            break
        turn = {tool.name: once(tool) for tool in due}
        for name, measured in turn.items():
            had[name] += measured.wall_s
        taken.append(turn)
    return taken


def row(
    tool: Tool, run: Run, *, hosts: int, rtt_ms: int, turns: Sequence[Mapping[str, Measured]]
) -> Row:
    """Return what a tool took in the turns that it had; a ratio is to the floor of its turn."""
    pairs = [(turn[tool.name], turn[FLOOR]) for turn in turns if tool.name in turn]
    walls = [round(mine.wall_s, 3) for mine, _ in pairs]
    ratios = [round(mine.wall_s / floor.wall_s, 2) for mine, floor in pairs]
    return {
        "tool": tool.name,
        "run": str(run),
        "hosts": hosts,
        "rtt_ms": rtt_ms,
        "wall_s": round(median(walls), 3),
        "ratio": round(median(ratios), 2),
        "cpu_s": round(median(mine.cpu_s for mine, _ in pairs), 2),
        "peak_mib": round(median(mine.peak_mib for mine, _ in pairs), 1),
        "walls_s": walls,
        "ratios": ratios,
        "version": tool.version,
    }


def cells(one: Row) -> list[object]:
    """Return a row as it is shown."""
    return [
        *(one["tool"], one["run"], one["hosts"], one["rtt_ms"]),
        *(spread(one["walls_s"], ".2f"), spread(one["ratios"], ".2f")),
        *(one["cpu_s"], one["peak_mib"], len(one["walls_s"])),
    ]
