"""What docs/engines/vllm-ascend.md shows is right, and its rows are those of the tables."""

import re
from pathlib import Path
from typing import Any

import pytest

from inventories.stacks import vllm_ascend_0_13_a2
from roles import spec
from roles.preflight import against, table
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found
from tests.roles.spec.nouns import HASH

PAGE = (Path(__file__).parents[2] / "docs/engines/vllm-ascend.md").read_text()
EXAMPLE, ON_A_DUO = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
# Parts of a row: vLLM's and CANN's versions, torch, torch-npu, triton-ascend.
ROWS = re.findall(
    r"^\| ([\d.]+) \| ([\d.]+) \| (\S+) \| (\S+), (\S+) \| (\S+) \|", PAGE, re.MULTILINE
)


class _Stack:
    """The stack that is shipped, with the hashes of an operator's files."""

    shipped = vllm_ascend_0_13_a2.STACK
    STACK = shipped.model_copy(
        update={
            "installers": tuple(
                one.model_copy(update={"sha256": HASH}) for one in shipped.installers
            ),
            "accepts": plans.CRITICAL,
        }
    )


class _Weights:
    WEIGHTS = plans.weights("8b")


def _made(code: str) -> dict[str, Any]:
    made = {name: getattr(spec, name) for name in spec.__all__}
    made |= {"vllm_ascend_0_13_a2": _Stack, "qwen3_vl_8b": _Weights}
    exec(code, made)  # noqa: S102  # it is ours
    return made


def _refused(host: spec.HostSpec, found: Found) -> list[str]:
    assert host.faults() == []
    return [str(one) for one in against(host, found) if one.refuses]


def test_the_example_is_right() -> None:
    assert _refused(_made(EXAMPLE)["_a2"], plans.a2(8)) == []


@pytest.mark.parametrize("version", ["0.18.0", "0.23.0"])
def test_options_on_a_duo_are_right(version: str) -> None:
    """Of both rows that a DUO has."""
    cann = {"0.18.0": "9.0.0", "0.23.0": "9.1.0"}[version]
    stack = plans.stack(
        spec.Engine.VLLM_ASCEND,
        version,
        installers=plans.cann(cann, chip="310p"),
        lock=f"vllm-ascend-{version}-duo",
        accepts=plans.CRITICAL,
    )
    options = _made(f"options = {ON_A_DUO}")["options"]
    instance = plans.instance(stack=stack, options=options, on=2)
    assert _refused(plans.ascend(instance), plans.duos(1)) == []


def test_rows_are_those_of_the_tables() -> None:
    known = table.read("ascend")["vllm_ascend"]
    told = set()
    for version, vllm, cann, torch, torch_npu, triton in ROWS:
        row = known[version] | known[version].get("over", {}).get(cann, {})
        wanted = [row[key] for key in ("vllm", "cann", "torch", "torch-npu")]
        assert [vllm, cann, torch, torch_npu.partition("+")[0]] == wanted
        assert triton == row.get("triton-ascend", "–")
        told.add(version)
    # Of 0.9.1, which has no Qwen3-VL, nothing is said.
    assert told == {*known} - {"0.9.1"}
