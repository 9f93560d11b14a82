"""The tables: every one says where it is from, and what is in it can be read."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from roles import versions
from roles.preflight import advisories, table
from roles.spec import Accepted

NAMES = sorted(file.stem for file in table.FOLDER.glob("*.yaml"))
VERSION = re.compile(r"\d+(\.\w+)*")


def _versions(names: tuple[str, ...], found: Any, key: str = "") -> Iterator[object]:
    """Everything under one of ``names``."""
    if isinstance(found, dict):
        for name, value in found.items():
            yield from _versions(names, value, str(name))
    elif isinstance(found, list):
        for value in found:
            yield from _versions(names, value, key)
    elif key in names and found is not None:
        yield found


def test_all_are_there() -> None:
    assert NAMES == ["advisories", "ascend", "cuda", "engines", "memory", "models", "xids"]


@pytest.mark.parametrize("name", NAMES)
def test_says_where_it_is_from(name: str) -> None:
    source = table.read(name)["source"]
    assert re.search(r"\b20\d\d-\d\d-\d\d\b", source), source
    assert len(source.split()) > 5


@pytest.mark.parametrize("name", NAMES)
def test_versions_are_strings(name: str) -> None:
    """YAML reads 13.0 as a number, and 2.10 as 2.1."""
    keys = (
        *("torch", "torch_at_most", "cuda", "python", "pythons", "glibc", "sass", "jit_above"),
        *("cann", "driver", "firmware", "vllm", "torch-npu", "from", "fixed", "bfloat16"),
        *("toolkits", "majors", "ops_since", "duo_graphs", "since", "dense"),
    )
    for version in _versions(keys, table.read(name)):
        assert isinstance(version, str), version
        assert VERSION.fullmatch(version), version


def test_toolkits_are_in_order() -> None:
    """A newer toolkit never wants an older driver, and every major version has its floor."""
    cuda = table.read("cuda")
    rows = sorted(cuda["toolkits"].items(), key=lambda row: versions.key(row[0]))
    drivers = [versions.key(driver) for _, driver in rows]
    assert drivers == sorted(drivers)
    for toolkit, driver in rows:
        floor = cuda["majors"][str(versions.major(toolkit))]
        assert not versions.older(driver, floor)


@pytest.mark.parametrize("engine", ["vllm", "lmdeploy"])
def test_engines_are_whole(engine: str) -> None:
    rows = table.read("engines")[engine]
    assert [*rows] == sorted(rows, key=versions.key)
    for row in rows.values():
        assert ("python" in row) != ("pythons" in row)
        assert row.get("cuda", "12.8") in table.read("cuda")["toolkits"]
        assert ("torch" in row) != (engine == "lmdeploy")


def test_rows_of_ascend_are_whole() -> None:
    facts = table.read("ascend")
    assert {row["confidence"] for row in facts["mindie"].values()} == {"doc", "third"}
    for row in facts["vllm_ascend"].values():
        assert {*row} - {"over", "triton-ascend"} == {
            "vllm", "python", "cann", "torch", "torch-npu", "quantizations",
        }  # fmt: skip
        assert all({*over} <= {*row} for over in row.get("over", {}).values())
    built = facts["vllm_ascend_built_for_a2"]
    assert all(len(sha256) == 64 for sha256 in built)
    assert len({*built}) == len(built)
    assert {*facts["pci"].values()} <= {*facts["chips"]}
    assert {row.split()[0] for row in facts["os"]} <= {*facts["chips"]}


def test_models_are_whole() -> None:
    facts = table.read("models")
    assert {*facts["mindie"]} == {*facts["qwen3_vl"]}
    for row in facts["mindie"].values():
        assert row["recommended"] in row["world_sizes"]
    shapes = [tuple(shape.values()) for shape in facts["qwen3_vl"].values()]
    assert len({*shapes}) == len(shapes)


def test_advisories_are_whole() -> None:
    rows = [row for name in ("vllm", "lmdeploy") for row in table.read("advisories")[name]]
    for row in rows:
        for name in (row["ghsa"], row["cve"]):
            assert name is None or Accepted(advisory=name, reason="for this test").faults() == []
        assert row["severity"] in ("medium", "high", "critical")
        assert row["fixed"] is None or versions.older(row["from"], row["fixed"])
        assert "." not in row["about"][-1:]
    assert Counter(row["ghsa"] for row in rows).most_common(1)[0][1] == 1


@pytest.mark.parametrize(
    ("version", "all_", "critical"),
    [
        *(("0.11.0", 27, 2), ("0.13.0", 22, 2), ("0.18.1", 20, 1)),
        *(("0.20.2", 14, 1), ("0.26.0", 3, 0), ("0.33.0", 0, 0)),
    ],
)
def test_advisories_of_a_pin(version: str, all_: int, critical: int) -> None:
    """As they were counted when they were collected."""
    hits = advisories.known("vllm", version)
    assert (len(hits), sum(one["severity"] == "critical" for one in hits)) == (all_, critical)


def test_xids_are_told_apart() -> None:
    xids = table.read("xids")
    assert xids["fatal"].keys() & xids["noted"].keys() == set()
    assert all(isinstance(number, int) for kind in ("fatal", "noted") for number in xids[kind])


def test_every_code_is_documented() -> None:
    """And no code that nobody gives."""
    root = table.FOLDER.parents[2]
    given = set()
    for file in table.FOLDER.parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Reason":
                named = [word.value for word in node.keywords if word.arg == "code"]
                (code,) = named or node.args[:1]
                assert isinstance(code, ast.Constant)
                given.add(code.value)
    codes = (root / "docs/preflight.md").read_text().partition("## Codes")[2]
    cells = [line.split("|")[1] for line in codes.splitlines() if line.startswith("| `")]
    documented = {code for cell in cells for code in re.findall(r"`([a-z0-9-]+)`", cell)}
    assert documented == given
