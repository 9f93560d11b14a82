"""vLLM on Ascend: chips, graphs, how weights are quantised; what just fits and what does not."""

from pathlib import Path
from typing import Any

import pytest

from inventories.stacks import vllm_ascend_0_13_a2
from roles.preflight import Reason, against, table
from roles.spec import Engine, HostSpec, Instance, Lock, Stack, WeightsFile
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found
from tests.roles.spec.nouns import HASH

MODE = '{"cudagraph_mode": "FULL_DECODE_ONLY", "cudagraph_capture_sizes": [1, 2, 4, 8]}'
GRAPHS = ("--compilation-config", MODE)
WITHOUT = ("--additional-config", '{"ascend_compilation_config": {"enable_npugraph_ex": false}}')
DESCRIPTION = "quant_model_description.json"
ASCEND = ("--quantization", "ascend")
SHARDED = ("--load-format", "sharded_state")


def _stack(version: str, *, over: str, chip: str = "910b", lock: str | None = None) -> Stack:
    installers = plans.cann(over, chip=chip)
    accepts = plans.CRITICAL
    return plans.stack(
        Engine.VLLM_ASCEND, version, installers=installers, accepts=accepts, lock=lock
    )


DUO = {
    "0.18.0": _stack("0.18.0", over="9.0.0", chip="310p", lock="vllm-ascend-0.18.0-duo"),
    "0.23.0": _stack("0.23.0", over="9.1.0", chip="310p", lock="vllm-ascend-0.23.0-duo"),
    "eager": _stack("0.18.0", over="8.5.1", chip="310p"),
}
A2 = {
    "0.13.0": _stack("0.13.0", over="8.5.0"),
    "0.18.0": _stack("0.18.0", over="8.5.1"),
}


def _instance(stack: Stack, *words: str, on: int = 1, **fields: Any) -> Instance:
    """Return an instance with further words; eager and of float16 unless something else is said."""
    weights = fields.pop("weights", None) or plans.weights("8b")
    right = {
        "engine": Engine.VLLM_ASCEND,
        "dtype": "float16",
        "enforce_eager": True,
        "extra": words,
    }
    options = plans.options(**right | {"tensor_parallel_size": on} | fields)
    return plans.instance(stack=stack, options=options, on=on, weights=weights)


def _against(instance: Instance, found: Found) -> list[Reason]:
    spec = plans.ascend(instance)
    assert spec.faults() == []
    return [one for one in against(spec, found) if one.code not in ("advisory", "not-in-table")]


def _weights(*files: str, name: str = "8b", **fields: Any) -> Any:
    shape = None if name == "8b" else name
    weights = plans.weights("8b", shape=shape)
    more = tuple(WeightsFile(path=path, size=1, sha256=HASH) for path in files)
    return weights.model_copy(update={"files": (*weights.files, *more)} | fields)


@pytest.mark.parametrize(
    ("stack", "words", "eager", "codes"),
    [
        ("0.18.0", (*GRAPHS, *WITHOUT), False, []),
        ("0.23.0", GRAPHS, False, []),
        ("0.18.0", GRAPHS, False, ["graph-mode, a remark"]),
        ("0.23.0", (), False, ["graph-mode"]),
        ("0.23.0", ("--compilation-config", '{"cudagraph_mode": "FULL"}'), False, ["graph-mode"]),
        ("0.23.0", ("-cc.cudagraph_mode", "FULL_DECODE_ONLY"), False, []),
        ("0.23.0", (), True, []),
        ("eager", (), False, ["enforce-eager"]),
        ("eager", (), True, []),
    ],
)
def test_graphs_on_a_duo(stack: str, words: tuple[str, ...], eager: bool, codes: list[str]) -> None:
    """There is one mode, from CANN 9.0.0 on."""
    told = _against(_instance(DUO[stack], *words, enforce_eager=eager), plans.duos(1))
    assert [one.code + ("" if one.refuses else ", a remark") for one in told] == codes


def test_what_graphs_want_is_told() -> None:
    (reason,) = _against(_instance(DUO["0.23.0"], enforce_eager=False), plans.duos(1))
    assert str(reason) == (
        "instances/chat/options/extra: found graphs of another mode on an Atlas 300I DUO, wanted "
        '--compilation-config \'{"cudagraph_mode": "FULL_DECODE_ONLY", …}\', all that it has; add '
        "it with a few cudagraph_capture_sizes, or set enforce_eager [graph-mode]"
    )
    (reason,) = _against(_instance(DUO["eager"], enforce_eager=False), plans.duos(1))
    assert "found graphs with CANN 8.5.1 on an Atlas 300I DUO" in str(reason)


def test_an_a2_has_every_graph() -> None:
    instance = _instance(A2["0.18.0"], enforce_eager=False, dtype="bfloat16")
    assert _against(instance, plans.a2(1)) == []


@pytest.mark.parametrize("dtype", ["auto", "bfloat16", "float16"])
def test_a_duo_has_no_bfloat16(dtype: str) -> None:
    told = _against(_instance(DUO["0.18.0"], dtype=dtype), plans.duos(1))
    assert [one.code for one in told] == ([] if dtype == "float16" else ["bfloat16"])


def _spec(stack: Stack) -> HostSpec:
    return plans.ascend(ready_for=(stack,))


def test_wheels_of_the_index_are_for_an_a2(tmp_path: Path) -> None:
    """Whoever locks the plugin for a DUO from there gets a server that ends at its start."""
    sha256, lock = table.read("ascend")["vllm_ascend_built_for_a2"][0], DUO["0.18.0"].lock
    assert isinstance(lock, Lock)
    file = tmp_path / "lock.txt"
    file.write_text(lock.text.replace("+310p", "").rpartition("sha256:")[0] + f"sha256:{sha256}\n")
    taken = DUO["0.18.0"].model_copy(update={"lock": Lock(file=file, arch="aarch64")})
    told = [one for one in against(_spec(taken), plans.duos(1)) if one.refuses]
    assert [(one.code, one.path) for one in told] == [("chip", f"ready_for/{taken.name}")]
    assert told[0].found == (
        "the package index's wheel of vllm-ascend 0.18.0, which is built for an Atlas 800I A2"
    )
    assert told[0].wanted == "one built with SOC_VERSION=ascend310p1"


def test_the_shipped_stack_is_for_an_a2() -> None:
    """Its lock is a whole row, and preflight tells it from one for a DUO."""
    hashed = [
        one.model_copy(update={"sha256": HASH}) for one in vllm_ascend_0_13_a2.STACK.installers
    ]
    given = {"installers": tuple(hashed), "accepts": plans.CRITICAL}
    stack = vllm_ascend_0_13_a2.STACK.model_copy(update=given)
    assert [one for one in against(_spec(stack), plans.a2(8)) if one.refuses] == []
    codes = {one.code for one in against(_spec(stack), plans.duos(1)) if one.refuses}
    assert codes == {"chip", "triton"}


def test_triton_is_not_for_a_duo() -> None:
    stack = _stack("0.13.0", over="8.5.0", chip="310p", lock="vllm-ascend-0.13.0-triton")
    told = [one for one in against(_spec(stack), plans.duos(1)) if one.code == "triton"]
    assert [one.found for one in told] == ["triton-ascend in the lock"]
    assert not [one for one in against(_spec(stack), plans.a2(1)) if one.code == "triton"]


def test_instance_without_a_toolkit() -> None:
    stack = A2["0.18.0"].model_copy(update={"installers": ()})
    (reason,) = _against(_instance(stack), plans.a2(1))
    assert (reason.code, reason.path) == ("cann", "instances/chat/stack")
    assert reason.found == "no toolkit among the stack's installers"


@pytest.mark.parametrize(
    ("stack", "found", "weights", "words", "wanted"),
    [
        # Older versions have to be told, newer ones see it; a config.json for MindIE is no matter.
        (A2["0.13.0"], plans.a2(1), _weights(DESCRIPTION), ASCEND, None),
        (A2["0.13.0"], plans.a2(1), _weights(DESCRIPTION), (), "--quantization ascend"),
        (A2["0.18.0"], plans.a2(1), _weights(DESCRIPTION), (), None),
        (A2["0.18.0"], plans.a2(1), _weights(DESCRIPTION, name="8b-w8a8"), ASCEND, None),
        # The description by another name is not found.
        (A2["0.18.0"], plans.a2(1), _weights(name="8b-w8a8"), (), "that file, without which"),
        (
            A2["0.18.0"], plans.a2(1), _weights("quant_model_description_w8a8.json"), (),
            "that file, without which vllm-ascend reads them as floats",
        ),
        # What is sparse is for one chip alone.
        (
            A2["0.18.0"], plans.a2(1), _weights(DESCRIPTION, name="8b-w8a8s"), (),
            "w8a8: that one is for Atlas 300I alone",
        ),
        (DUO["0.18.0"], plans.duos(1), _weights(DESCRIPTION, name="8b-w8a8s"), (), None),
    ],
)  # fmt: skip
def test_quantised(
    stack: Stack, found: Found, weights: Any, words: tuple[str, ...], wanted: str | None
) -> None:
    told = _against(_instance(stack, *words, weights=weights), found)
    assert [one.code for one in told] == ["model-quantization"] * bool(wanted)
    assert not wanted or wanted in told[0].wanted


@pytest.mark.parametrize(
    ("stack", "found", "wanted"),
    [
        (A2["0.18.0"], plans.a2(1), "16 bits, or one of ascend, compressed-tensors"),
        (DUO["0.18.0"], plans.duos(1), "16 bits, or one of ascend"),
    ],
)
def test_methods_of_others(stack: Stack, found: Found, wanted: str, tmp_path: Path) -> None:
    """What the plugin's platform does not take, vLLM refuses at its start."""
    plain = plans.weights("8b")
    assert plain.config
    config = tmp_path / "config.json"
    text = plain.config.read_text().rstrip().removesuffix("}")
    config.write_text(text + ', "quantization_config": {"quant_method": "awq"}}')
    weights = plain.model_copy(update={"config": config})
    told = [
        one
        for one in against(plans.ascend(_instance(stack, weights=weights)), found)
        if one.code == "model-quantization"
    ]
    assert [(one.found, one.wanted) for one in told] == [("awq", wanted)]


def _shards(ranks: int) -> Any:
    names = [f"model-rank-{rank}-part-0.safetensors" for rank in range(ranks)]
    return _weights(DESCRIPTION, *names, name="8b-w8a8sc")


@pytest.mark.parametrize(
    ("weights", "on", "words", "told"),
    [
        (_shards(2), 2, (*ASCEND, *SHARDED), None),
        (_shards(1), 1, (*ASCEND, "--load_format=sharded_state"), None),
        (
            _shards(2), 2, ASCEND,
            "found --load-format auto for weights of model-rank-0-part-0.safetensors, "
            "wanted --load-format sharded_state; set it",
        ),
        (
            _shards(2), 1, SHARDED,
            "found 1 chips for weights of 2 ranks, wanted 2, for which they were compressed",
        ),
        (
            _weights(DESCRIPTION), 1, SHARDED,
            "found --load-format sharded_state for weights without "
            "model-rank-0-part-0.safetensors, wanted no --load-format",
        ),
    ],
)  # fmt: skip
def test_saved_by_rank(weights: Any, on: int, words: tuple[str, ...], told: str | None) -> None:
    instance = _instance(DUO["0.18.0"], *words, on=on, weights=weights)
    found = [str(one) for one in _against(instance, plans.duos(1))]
    assert len(found) == bool(told), found
    assert not told or told in found[0]
