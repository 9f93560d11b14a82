"""
How long it takes until hosts have a model that one has, beside one copy over one link.

Lab hosts, each on a link of 100 Mbit/s both ways, and a model of four shards. ``curl`` copies
the same shards from the first host to one other.
"""

from collections.abc import Iterator
from pathlib import Path
from time import perf_counter
from typing import Any

from bench.weights.site import SHARDS, Models, models, newest, shards
from roles.lab import LabError
from tests.lab.site import sent
from tests.roles.hostside.models import model, shard

MBIT = 100
COLUMNS = (
    *("part", "tool", "run", "hosts", "whole run, s", "last host, s", "× one copy"),
    "MB out of the origin",
)
_SOURCE = "/srv/source"
_STAGE = "deploy/stage.py"
_SPREAD = 'spread=Spread(network="{subnet}")'
_BROUGHT = "brought from the other hosts and verified in"


def measured(*, hosts: int, mib: int, mbit: int) -> Iterator[dict[str, Any]]:
    """Yield a row for one copy, for all of the model, for no change and for a new revision."""
    size = mib * 1024 * 1024 // SHARDS
    # What the first one is given too, and a shard more for the new revision.
    gib = (2 + hosts) * (1 + 1 / SHARDS) * mib / 1024
    with models("benchspread", 1 + hosts, gib=gib, more=_SPREAD) as (_, fleet):
        # So that the tools are on every host, and no measurement is of their arrival.
        _want(fleet, "warm", model(*[100_000] * SHARDS))
        fleet.did("deploy/prepare.py")
        _bring(fleet)
        fleet.did(_STAGE)
        whole = model(*[size] * SHARDS)
        _want(fleet, "first", whole)
        _bring(fleet)
        for host in fleet.hosts:
            host.shape(MBIT)
        floor = _copied(fleet, "first")
        told = {"mib": mib, "mbit": MBIT}
        yield {**_row("curl", "one copy", 1, floor, floor, floor, None), **told}
        yield {**_spread(fleet, "first", floor), **told}
        yield {**_unchanged(fleet), **told}
        changed = {**whole, shards(3)[0]: shard(size, 99)}
        _want(fleet, "second", changed)
        _bring(fleet)
        yield {**_spread(fleet, f"1 of {SHARDS} shards changed", floor), **told}


def _want(hosts: Models, name: str, files: dict[str, bytes]) -> None:
    """Let every host want a model, whose files only the first one has."""
    folder = Path(hosts.hosts[0].disk.root) / _SOURCE.lstrip("/") / name
    folder.mkdir(parents=True, exist_ok=True)
    for path, content in files.items():
        (folder / path).write_bytes(content)
    hosts.want(files, f"HostFolder(path={f'{_SOURCE}/{name}'!r})")


def _bring(hosts: Models) -> None:
    """Let the first host have it, before anything is measured."""
    hosts.did(_STAGE, "--limit", hosts.hosts[0].name)


def _spread(hosts: Models, run: str, floor: float) -> dict[str, Any]:
    """Have all others bring it. All clocks are this machine's."""
    origin, *takers = hosts.hosts
    before = sent(origin)
    done = hosts.did(_STAGE)
    if done.said.count(_BROUGHT) != len(takers):
        raise LabError(done.said)
    # From the first job that began to the last receipt.
    first = min(newest(host, "jobs/weights-large-*/run.json") for host in takers)
    last = max(newest(host, "receipts/weights-large-*.json") for host in takers)
    megabytes = (sent(origin) - before) / 1e6
    row = _row("metalserve", run, len(takers), done.wall_s, last - first, floor, megabytes)
    return {**row, "cpu_s": done.row["cpu_s"], "peak_mib": done.row["peak_mib"]}


def _unchanged(hosts: Models) -> dict[str, Any]:
    """Have a run bring what every host has."""
    done = hosts.did(_STAGE)
    if _BROUGHT in done.said:
        raise LabError(done.said)
    row = _row("metalserve", "no-change", len(hosts.hosts) - 1, done.wall_s, None, None, None)
    return {**row, "cpu_s": done.row["cpu_s"], "peak_mib": done.row["peak_mib"]}


def _row(
    tool: str,
    run: str,
    hosts: int,
    wall_s: float,
    last_s: float | None,
    floor: float | None,
    megabytes: float | None,
) -> dict[str, Any]:
    return {
        "part": "spread",
        "tool": tool,
        "run": run,
        "hosts": hosts,
        "wall_s": round(wall_s, 1),
        "last_s": None if last_s is None else round(last_s, 1),
        "ratio": None if last_s is None or floor is None else round(last_s / floor, 2),
        "mb_out": None if megabytes is None else round(megabytes),
    }


def _copied(hosts: Models, name: str) -> float:
    """Return the seconds of one copy of a model's shards over one link."""
    origin, taker = hosts.hosts[:2]
    serve = "systemd-run --quiet --collect --unit bench-copy python3 -m http.server 8123"
    hosts.must(origin, f"{serve} --directory {_SOURCE}/{name}")
    urls = " ".join(
        f"-o /srv/copy-{number} http://{origin.address}:8123/{file}"
        for number, file in enumerate(shards())
    )
    hosts.must(taker, f"curl -s --retry 20 --retry-connrefused http://{origin.address}:8123/")
    began = perf_counter()
    hosts.must(taker, f"curl -sf {urls}")
    took = perf_counter() - began
    hosts.must(taker, "rm /srv/copy-*")
    hosts.must(origin, "systemctl stop bench-copy")
    return took
