"""A picture of the rows: seconds against hosts, both in powers of ten, a line a tool."""

import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from bench import kept
from bench.converge.turns import Row

# Of the lightness that a page of either kind lets read, in the order that legends have them.
TOOLS = {
    "metalserve": ("#1a7f37", "#3fb950"),
    "ssh-true": ("#57606a", "#8b949e"),
    "ssh-script": ("#8250df", "#a371f7"),
    "pyinfra": ("#0969da", "#58a6ff"),
    "mitogen": ("#9a6700", "#d29922"),
    "ansible": ("#cf222e", "#f85149"),
}
_PANELS = {"no-change": "Nothing to change", "first": "The first time"}
_WIDTH, _HEIGHT, _LEFT, _RIGHT, _TOP, _BOTTOM = 480, 330, 46, 158, 40, 40
_TICKS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
_APART = 13
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; font-size: 13px; }
.axis { fill: #57606a; }
.grid { stroke: #d0d7de; stroke-width: 1; }
"""
_DARK = """\
text { fill: #e6edf3; }
.axis { fill: #8b949e; }
.grid { stroke: #30363d; }
"""


def _read(file: Path) -> list[Row]:
    return kept.Results(file.stem, folder=file.parent).rows


def draw(file: Path) -> Path | None:
    """Draw the rows of a file beside it; nothing where there are none."""
    rows = [row for row in _read(file) if row["run"] in _PANELS]
    if not rows:
        return None
    drawn = file.with_suffix(".svg")
    drawn.write_text(svg(rows))
    return drawn


def svg(rows: Sequence[Row]) -> str:
    """Return the picture of rows: a panel for each kind of run and round trip."""
    order = list(_PANELS)
    panels = sorted({(row["rtt_ms"], order.index(row["run"])) for row in rows})
    across = min(2, len(panels))
    width, height = across * _WIDTH, -(-len(panels) // across) * _HEIGHT
    parts = []
    for number, (rtt_ms, kind) in enumerate(panels):
        shown = [r for r in rows if (r["rtt_ms"], r["run"]) == (rtt_ms, order[kind])]
        away = f", {rtt_ms} ms away" if rtt_ms else ""
        title = f"{_PANELS[order[kind]]}{away}: seconds"
        at = f"translate({number % across * _WIDTH} {number // across * _HEIGHT})"
        parts.append(f'<g transform="{at}">{"".join(_panel(title, shown))}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}"'
        f' height="{height}" role="img" aria-label="Seconds of a converge against hosts, by tool">'
        f"<style>{_styles()}</style>{''.join(parts)}</svg>\n"
    )


def _styles() -> str:
    light, dark = (
        "".join(
            f".t{number} {{ --own: {colours[kind]}; }}\n"
            for number, colours in enumerate(TOOLS.values())
        )
        for kind in (0, 1)
    )
    lines = (
        ".line { fill: none; stroke: var(--own); stroke-width: 1.8; }\n"
        ".dot, .name { fill: var(--own); }\n"
        ".t0 .line { stroke-width: 3.2; } .t0 .name { font-weight: 600; }\n"
        ".t1 .line { stroke-dasharray: 5 4; }\n"
    )
    return f"{_STYLE}{light}{lines}@media (prefers-color-scheme: dark) {{\n{_DARK}{dark}}}\n"


def _panel(title: str, rows: Sequence[Row]) -> Iterable[str]:
    counts = sorted({row["hosts"] for row in rows})
    walls = [row["wall_s"] for row in rows]
    low = max((tick for tick in _TICKS if tick <= min(walls)), default=_TICKS[0])
    high = min((tick for tick in _TICKS if tick >= max(walls)), default=max(walls))
    bottom, right = _HEIGHT - _BOTTOM, _WIDTH - _RIGHT

    def x(hosts: float) -> float:
        return _scaled(hosts, counts[0], counts[-1], _LEFT + 10, right)

    def y(seconds: float) -> float:
        return _scaled(seconds, low, high, bottom, _TOP)

    yield f'<text class="title" x="{_LEFT}" y="20">{escape(title)}</text>'
    for tick in _TICKS:
        if low <= tick <= high:
            at = y(tick)
            yield f'<line class="grid" x1="{_LEFT}" x2="{right}" y1="{at:.1f}" y2="{at:.1f}"/>'
            yield (
                f'<text class="axis" x="{_LEFT - 6}" y="{at + 4:.1f}" text-anchor="end">'
                f"{tick:g}</text>"
            )
    for hosts in counts:
        yield (
            f'<text class="axis" x="{x(hosts):.1f}" y="{bottom + 18}" text-anchor="middle">'
            f"{hosts}</text>"
        )
    yield f'<text class="axis" x="{right}" y="{bottom + 34}" text-anchor="end">hosts</text>'
    lines = {
        tool: sorted(
            (x(row["hosts"]), y(row["wall_s"]), row["wall_s"])
            for row in rows
            if row["tool"] == tool
        )
        for tool in TOOLS
    }
    places = _apart({tool: points[-1][1] for tool, points in lines.items() if points})
    for number, (tool, points) in enumerate(lines.items()):
        if points:
            yield f'<g class="t{number}">{_line(tool, points, places[tool])}</g>'


def _line(tool: str, points: Sequence[tuple[float, float, float]], place: float) -> str:
    """Return a tool's line, and its name with its last value beside the end."""
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    dots = (f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="2.6"/>' for x, y, _ in points)
    end, _, seconds = points[-1]
    name = f'<text class="name" x="{end + 8:.1f}" y="{place + 4:.1f}">'
    named = f"{name}{escape(tool)} {seconds:.3g}</text>"
    return f'<polyline class="line" points="{path}"/>{"".join(dots)}{named}'


def _scaled(value: float, low: float, high: float, start: float, end: float) -> float:
    """Return where a value lies between two places, by its power of ten."""
    if high <= low:
        return (start + end) / 2
    return start + (end - start) * math.log(value / low) / math.log(high / low)


def _apart(ends: dict[str, float]) -> dict[str, float]:
    """Return places near the ends of lines, in their order, that names have room at."""
    placed: dict[str, float] = {}
    last = -math.inf
    for tool, at in sorted(ends.items(), key=lambda end: end[1]):
        last = max(at, last + _APART)
        placed[tool] = last
    return placed
