"""Turns that tools took, as rows: medians, how far apart, ratios by turn against the floor."""

from collections.abc import Mapping, Sequence
from statistics import median
from typing import Any

from bench.converge.gauge import Measured
from bench.converge.tools import Run, Tool
from bench.told import spread

COLUMNS = (
    "tool",
    "run",
    "hosts",
    "rtt, ms",
    "wall, s",
    "× `ssh true`",
    "CPU, s",
    "peak, MiB",
    "pairs",
)
FLOOR = "ssh true"
Row = dict[str, Any]


def row(
    tool: Tool, run: Run, hosts: int, rtt_ms: int, turns: Sequence[Mapping[str, Measured]]
) -> Row:
    """Return what a tool took in the turns that it had."""
    pairs = [(turn[tool.name], turn[FLOOR]) for turn in turns if tool.name in turn]
    walls = [round(mine.wall_s, 3) for mine, _ in pairs]
    ratios = [round(mine.wall_s / floor.wall_s, 2) for mine, floor in pairs]
    return {
        "tool": tool.name,
        "run": str(run),
        "hosts": hosts,
        "rtt_ms": rtt_ms,
        "wall_s": round(median(walls), 3),
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
