"""How runs grow with hosts, or with what each host has: as straight lines."""

from collections.abc import Iterator, Sequence

from bench import fit
from bench.scale.runs import Measured

# Each way to grow, and what stays the same meanwhile.
_BY = {"hosts": "instances", "instances": "hosts"}
_UP_TO = 100


def grown(rows: Sequence[Measured]) -> Iterator[str]:
    """Say it of each kind of run, up to a hundred and of all; nothing of too few."""
    for by, same in _BY.items():
        kinds: dict[tuple[str, str, int], list[Measured]] = {}
        for row in rows:
            kinds.setdefault((row.tool, row.run, getattr(row, same)), []).append(row)
        for (tool, run, number), own in kinds.items():
            few = [row for row in own if getattr(row, by) <= _UP_TO]
            for some in [few] if few == own else [few, own]:
                yield from _line(f"{tool}, {run}, {number} {same}", some, by)


def _line(kind: str, rows: Sequence[Measured], by: str) -> Iterator[str]:
    counts = [getattr(row, by) for row in rows]
    cpu = fit.line(counts, [row.cpu_s for row in rows])
    peak = fit.line(counts, [row.peak_mib for row in rows])
    if cpu and peak:
        yield (
            f"{kind}, {min(counts)} to {max(counts)} {by}: "
            f"{cpu.base:.2f} CPU s + {1000 * cpu.each:.1f} ms each (off by {cpu.off:.0%}), "
            f"{peak.base:.0f} MiB + {1024 * peak.each:.0f} KiB each (off by {peak.off:.0%})"
        )
