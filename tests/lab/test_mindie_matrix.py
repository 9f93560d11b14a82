"""
Every row of the matrix of Qwen3-VL on MindIE: served on lab hosts dressed as both machines, by a
strict stand-in of the server; and what is in no row, refused there.

Cards, vendor's packages, compressor and server are stand-ins, and the weights are the canary's
under the real models' ``config.json``; installs, users, units, jobs and questions are real.
"""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import Lab
from roles.preflight import matrix
from tests.lab import fixtures
from tests.lab.conftest import PREFIX
from tests.lab.mindie_matrix_site import CHIPS, Served, Site
from tests.standins.ascend import npu
from tests.standins.hardware import deb, kernel

pytestmark = pytest.mark.lab

MACHINES = ("a2", "duo")


def accepted(machine: str) -> list[Served]:
    """Each row at the world size that is recommended, and the smallest model at all others."""
    rows = [row for row in matrix.rows() if row.machine == machine]
    served = [
        Served(
            model=row.model,
            quantization=row.quantization,
            # Each type that a machine has comes up, and the newer one first.
            dtype=row.dtypes[-1 if row.quantization else 0],
            on=row.recommended,
            compressed=row.quantization == "w8a8sc",
        )
        for row in rows
    ]
    smallest = next(row for row in rows if not row.quantization)
    others = [on for on in smallest.world_sizes if on != smallest.recommended]
    return served + [Served(smallest.model, None, smallest.dtypes[-1], on) for on in others]


def batches(machine: str) -> list[list[Served]]:
    """Share out what is accepted, as much at once as there are chips for."""
    found: list[list[Served]] = []
    for served in sorted(accepted(machine), key=lambda one: -one.on):
        for batch in found:
            if sum(one.on for one in batch) + served.on <= CHIPS:
                batch.append(served)
                break
        else:
            found.append([served])
    return found


REFUSED = {
    "a2": {
        Served("8B", "w8a8sc", "float16", 1): (
            "model-quantization",
            "found w8a8sc of Qwen3-VL-8B on Atlas 800I A2, wanted w8a8; ",
        ),
        Served("2B", "w8a8", "float16", 1): (
            "model-quantization",
            "found w8a8 of Qwen3-VL-2B on Atlas 800I A2, wanted weights of 16 bits; ",
        ),
        Served("30B-A3B", None, "bfloat16", 1): (
            "world-size",
            "found 1 chips for Qwen3-VL-30B-A3B, wanted 2 or 4; ",
        ),
        Served("4B", None, "bfloat16", 3): (
            "world-size",
            "found 3 chips for Qwen3-VL-4B, wanted 1 or 2 or 4 or 8; ",
        ),
    },
    "duo": {
        Served("2B", None, "bfloat16", 1): (
            "bfloat16",
            "found bfloat16 on Atlas 300I DUO, which does not support bfloat16, wanted float16",
        ),
        Served("8B", "w8a8s", "float16", 2): (
            "model-quantization",
            "found w8a8s of Qwen3-VL-8B on Atlas 300I DUO, wanted w8a8 or w8a8sc; ",
        ),
        Served("30B-A3B", "w8a8sc", "float16", 2, compressed=True): (
            "model-quantization",
            "found w8a8sc of Qwen3-VL-30B-A3B on Atlas 300I DUO, wanted w8a8; ",
        ),
        Served("32B", None, "float16", 1): (
            "world-size",
            "found 1 chips for Qwen3-VL-32B, wanted 2 or 4 or 8; ",
        ),
    },
}


@pytest.fixture(scope="module")
def site(lab: Lab, wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """An Atlas 800I A2 of eight cards and a machine with four Atlas 300I DUO, made ready."""
    own = Lab(f"{PREFIX}{lab.name.removeprefix(PREFIX)}vl")
    try:
        own.up(2)
        for host in own.hosts:
            fixtures.keep_ended(host, 0)
        made = Site(own.hosts, tmp_path_factory.mktemp("matrix"))
        tools = deb.repository(made.folder / "tools", [*kernel.packages(), *npu.packages()])
        made.dress(tools, wheels)
        made.serve({host.name: [] for host in made.hosts})
        done = made.run()
        assert done.code == 0, done.said
        yield made
    finally:
        own.destroy()


def test_what_is_in_no_row_is_refused(site: Site) -> None:
    by_host = dict(zip([host.name for host in site.hosts], MACHINES, strict=True))
    site.serve({name: [*REFUSED[machine]] for name, machine in by_host.items()})
    file = site.folder / "reasons.json"
    done = site.run("--data", f"reasons={file}", deploy="preflight")
    assert done.code == 1, done.said
    told: dict[tuple[str, ...], str] = {}
    for one in json.loads(file.read_text()):
        if one["refuses"]:
            words = "found {found}, wanted {wanted}; ".format(**one)
            told[one["host"], *one["path"].split("/")[:2], one["code"]] = words
    for name, machine in by_host.items():
        for served, (code, says) in REFUSED[machine].items():
            assert told[name, "instances", served.name, code].startswith(says)


@pytest.mark.parametrize("number", range(max(len(batches(machine)) for machine in MACHINES)))
def test_every_row_is_served(site: Site, number: int) -> None:
    """Text, image and video are answered; what is compressed was, for its chips."""
    wanted = {}
    for host, machine in zip(site.hosts, MACHINES, strict=True):
        shared = batches(machine)
        wanted[host.name] = shared[number] if number < len(shared) else []
        stopped = host.run("systemctl stop 'metalserve-mindie@*'")
        assert stopped.returncode == 0, stopped.stderr
    site.serve(wanted)
    done = site.run(deploy="main")
    assert done.code == 0, done.said
    for host in site.hosts:
        for served in wanted[host.name]:
            answers = site.asked(host, served.name)
            right = {answer["kind"] for answer in answers if answer["passed"]}
            assert right == {"text", "image", "video"}, (served, answers)


@pytest.mark.parametrize("machine", MACHINES)
def test_all_rows_were_meant(machine: str) -> None:
    rows = [row for row in matrix.rows() if row.machine == machine]
    shared = [one for batch in batches(machine) for one in batch]
    meant = {(row.model, row.quantization, row.recommended) for row in rows}
    assert meant <= {(one.model, one.quantization, one.on) for one in shared}
    assert {one.on for one in shared} == {on for row in rows for on in row.world_sizes}
    assert {one.dtype for one in shared} == {dtype for row in rows for dtype in row.dtypes}
    assert len({one.name for one in shared}) == len(shared)
