"""Plans that cannot work are refused, with the right codes and words, before any change."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from roles.preflight import against
from roles.spec import VllmOptions
from tests.deploy import wrong_on_ascend, wrong_on_cuda
from tests.deploy.right_plans import RIGHT
from tests.deploy.test_plan import Ran, _pyinfra, probe_of

WRONG = wrong_on_cuda.WRONG | wrong_on_ascend.WRONG
FLEET = "tests/deploy/wrong_plans.py"


def test_there_are_enough() -> None:
    assert (len(WRONG) >= 40, len(RIGHT) >= 10) == (True, True)


@pytest.mark.parametrize("name", WRONG)
def test_wrong(name: str) -> None:
    """The inventory itself is right; the host, or the tables, say otherwise."""
    plan = WRONG[name]
    assert plan.spec.faults() == []
    refused = [reason for reason in against(plan.spec, plan.found) if reason.refuses]
    assert {reason.code for reason in refused} == plan.codes
    told = "\n".join(map(str, refused))
    assert [words for words in plan.words if words not in told] == [], told


@pytest.mark.parametrize("name", RIGHT)
def test_right(name: str) -> None:
    spec, found = RIGHT[name]
    assert spec.faults() == []
    assert against(spec, found) == []


def test_int8_is_no_type() -> None:
    """That one does not even load."""
    fields: dict[str, Any] = {"max_model_len": 8192, "dtype": "int8"}
    (fault,) = VllmOptions(**fields).faults()
    assert str(fault) == ("dtype: is 'int8', should be 'auto', 'bfloat16', 'float16' or 'float32'")


@pytest.fixture(scope="module")
def refused(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ran, Path]:
    """Every wrong plan and every right one in one run, and where its reasons were written."""
    file = tmp_path_factory.mktemp("reasons") / "reasons.json"
    words = ["-y", "--debug", "--data", f"reasons={file}"]
    return _pyinfra(*words, FLEET, "deploy/main.py"), file


def test_all_of_them_in_one_run(refused: tuple[Ran, Path]) -> None:
    """One reason on one host refuses the run for all of them, and no host is told to change."""
    ran, file = refused
    assert (ran.code, ran.out) == (1, "")
    rows = json.loads(file.read_text())
    told = {name: {r["code"] for r in rows if r["host"] == f"@fake/{name}" and r["refuses"]}
            for name in WRONG | RIGHT}  # fmt: skip
    assert told == {name: plan.codes for name, plan in WRONG.items()} | {
        name: set() for name in RIGHT
    }
    specs = {name: plan.spec for name, plan in WRONG.items()}
    specs |= {name: spec for name, (spec, _) in RIGHT.items()}
    for name, spec in specs.items():
        commands = [command for host, command in _commands(ran) if host == name]
        assert commands == [probe_of(spec.accelerator)]


def test_reasons_for_programs(refused: tuple[Ran, Path]) -> None:
    rows = json.loads(refused[1].read_text())
    keys = ["host", "code", "path", "found", "wanted", "remedy", "refuses"]
    assert {tuple(row) for row in rows} == {tuple(keys)}
    (driver,) = [row for row in rows if row["host"] == "@fake/driver-470"]
    assert driver == {
        "host": "@fake/driver-470",
        "code": "driver",
        "path": "instances/chat/stack",
        "found": "driver 470.256.02",
        "wanted": "580 or newer for vllm-0.33.0, whose wheels are for CUDA 13.0",
        "remedy": "give the host a newer driver, or choose a stack for an older one",
        "refuses": True,
    }


def test_reasons_for_people(refused: tuple[Ran, Path]) -> None:
    """A line each, the remarks after them."""
    lines = refused[0].said.partition("refused, nothing was changed on any host\n")[2].splitlines()
    at = lines.index("remarks, which refuse nothing")
    assert lines[:at] == sorted(lines[:at], key=lambda line: line.split("/")[1])
    assert (
        "  @fake/tp-3/instances/chat/options/tensor_parallel_size: found 3 devices for 32 heads "
        "and 8 key-value heads, wanted a number that divides them: 1, 2, 4, 8, 16, 32; "
        "give the instance as many devices [tensor-parallel]"
    ) in lines[:at]
    assert any(line.startswith("  @fake/cu118/") for line in lines[at:])
    assert not any("[advisory]" in line and "(critical)" in line for line in lines[at:])


def test_nothing_speaks_against_right_plans(tmp_path: Path) -> None:
    file = tmp_path / "reasons.json"
    ran = _pyinfra(
        "-y", "--limit", "right", "--data", f"reasons={file}", FLEET, "deploy/preflight.py"
    )
    assert (ran.code, json.loads(file.read_text())) == (0, [])
    assert f"{len(RIGHT)} host(s) asked, nothing speaks against the plan" in ran.said
    assert "remarks" not in ran.said


def _commands(ran: Ran) -> list[tuple[str, str]]:
    return re.findall(r"\[fake\] simulating command on @fake/([\w.-]+): (.*)", ran.said)
