"""Qwen3-VL on MindIE: every combination of the published matrix, and every one outside of it."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from roles.preflight import Reason, matrix, model
from roles.spec import HostSpec, WeightsFile
from tests.roles.preflight import plans


class Listed(NamedTuple):
    """What MindIE's own README says of a model."""

    world_sizes: tuple[int, ...]
    recommended: int
    a2: tuple[str, ...] = ()
    duo: tuple[str, ...] = ()


LISTED = {
    "2B": Listed((1, 2, 4, 8), 1),
    "4B": Listed((1, 2, 4, 8), 1, duo=("w8a8sc",)),
    "8B": Listed((1, 2, 4, 8), 2, a2=("w8a8",), duo=("w8a8", "w8a8sc")),
    "32B": Listed((2, 4, 8), 4, a2=("w8a8",), duo=("w8a8", "w8a8sc")),
    "30B-A3B": Listed((2, 4), 2, a2=("w8a8",), duo=("w8a8",)),
}
MACHINES = {"a2": "Atlas 800I A2", "duo": "Atlas 300I DUO"}
SIZES, DTYPES = range(1, 9), ("float16", "bfloat16")
QUANTIZATIONS = (None, "w8a8", "w8a8s", "w8a8sc")
FOUND = {"a2": plans.a2(8), "duo": plans.duos(4)}
STACKS = {
    "a2": plans.mindie_stack(),
    "duo": plans.mindie_stack(chip="310p", lock="mindie-3.0.0-slim"),
}


def _spec(name: str, machine: str, on: int, dtype: str, config: Path) -> HostSpec:
    weights = plans.weights(name.lower()).model_copy(update={"config": config})
    return plans.mindie(name.lower(), on=on, stack=STACKS[machine], weights_of=weights, dtype=dtype)


def _config(name: str, quantization: str | None, folder: Path) -> Path:
    """Write what such weights say of themselves."""
    said = json.loads((plans.HERE / f"shapes/{name.lower()}.json").read_text())
    file = folder / f"{quantization}.json"
    file.write_text(json.dumps(said | ({"quantize": quantization} if quantization else {})))
    return file


def _expected(
    name: str, machine: str, on: int, dtype: str, quantization: str | None
) -> dict[str, str]:
    """What refuses a combination, by its code, and the beginning of what it says."""
    listed, where = LISTED[name], MACHINES[machine]
    known: tuple[str, ...] = getattr(listed, machine)
    refused = {}
    if on not in (1, 2, 4, 8):
        refused["tensor-parallel"] = f"found {on} devices for "
    if on not in listed.world_sizes:
        refused["world-size"] = f"found {on} chips for Qwen3-VL-{name}, wanted "
    if machine == "duo" and dtype == "bfloat16":
        refused["bfloat16"] = f"found bfloat16 on {where}, which does not support bfloat16"
    if quantization and quantization not in known:
        wanted = " or ".join(known) or "weights of 16 bits"
        refused["model-quantization"] = (
            f"found {quantization} of Qwen3-VL-{name} on {where}, wanted {wanted}; "
        )
    return refused


@pytest.mark.parametrize("machine", MACHINES)
@pytest.mark.parametrize("name", LISTED)
def test_every_combination(name: str, machine: str, tmp_path: Path) -> None:
    """What is listed is accepted; what is not is refused, each reason by its own sentence."""
    accepted = []
    for quantization in QUANTIZATIONS:
        config = _config(name, quantization, tmp_path)
        for on in SIZES:
            for dtype in DTYPES:
                spec = _spec(name, machine, on, dtype, config)
                told = [*model.reasons(spec, FOUND[machine])]
                refused = {one.code: one for one in told if one.refuses}
                expected = _expected(name, machine, on, dtype, quantization)
                assert {*refused} == {*expected}, (on, dtype, quantization)
                for code, says in expected.items():
                    assert f": {says}" in str(refused[code])
                if not refused:
                    accepted.append((quantization, on, dtype))
                    _recommended(told, name, on)
    assert {*accepted} == {
        (row.quantization, on, dtype)
        for row in matrix.rows()
        if (row.model, row.machine) == (name, machine)
        for on in row.world_sizes
        for dtype in row.dtypes
    }


def _recommended(told: list[Reason], name: str, on: int) -> None:
    """Another world size than the recommended one is remarked on, and no more."""
    best = LISTED[name].recommended
    assert [str(one) for one in told] == (
        []
        if on == best
        else [
            f"instances/chat/options/world_size: found {on} chips for Qwen3-VL-{name}, "
            f"wanted {best}, which Huawei recommends; it is supported all the same [world-size]"
        ]
    )


def test_rows() -> None:
    """The table says what the README says, and nothing else."""
    assert {
        (row.model, row.machine, row.quantization): (row.world_sizes, row.recommended)
        for row in matrix.rows()
    } == {
        (name, machine, quantization): (listed.world_sizes, listed.recommended)
        for name, listed in LISTED.items()
        for machine in MACHINES
        for quantization in (None, *getattr(listed, machine))
    }
    assert {row.machine: row.dtypes for row in matrix.rows()} == {
        "a2": ("bfloat16", "float16"),
        "duo": ("float16",),
    }


def test_repositories() -> None:
    """Where weights are, by name; of what nobody published, that."""
    named = {(row.model, row.machine, row.quantization): row.repository for row in matrix.rows()}
    assert named["8B", "a2", None] == named["8B", "duo", None] == "Qwen/Qwen3-VL-8B-Instruct"
    assert named["8B", "a2", "w8a8"] == "Eco-Tech/Qwen3-VL-8B-Instruct-w8a8-QuaRot"
    assert named["8B", "duo", "w8a8sc"] == "Eco-Tech/Qwen3-VL-8B-Instruct-w8a8s-310"
    assert named["30B-A3B", "duo", "w8a8"] == "Eco-Tech/Qwen3-VL-30B-A3B-Instruct-w8a8-QuaRot-310"
    missing = [row for row, repository in named.items() if repository is None]
    assert missing == [("8B", "duo", "w8a8"), ("32B", "duo", "w8a8")]


def test_compressed_for_other_chips(tmp_path: Path) -> None:
    """Weights that were compressed elsewhere name the world size in the folders of their parts."""
    config = _config("8B", "w8a8sc", tmp_path)
    (one,) = _spec("8B", "duo", 2, "float16", config).instances
    for parts, refused in ((2, []), (4, ["world-size"])):
        files = tuple(
            WeightsFile(path=f"part{part}-of-{parts}/model.safetensors", size=1, sha256=plans.HASH)
            for part in range(parts)
        )
        weights = one.weights.model_copy(update={"files": (*one.weights.files, *files)})
        spec = plans.ascend(one.model_copy(update={"weights": weights}))
        told = [*model.reasons(spec, FOUND["duo"])]
        assert [reason.code for reason in told] == refused
    assert str(told[0]) == (
        "instances/chat/options/world_size: found 2 chips for qwen3-vl-8b, wanted 4, for which it "
        "was compressed; give the instance as many devices, or pin w8a8s and let the host "
        "compress it [world-size]"
    )


def test_printed() -> None:
    lines = matrix.text().splitlines()
    assert len(lines) == 1 + len(matrix.rows()) + 3
    assert lines[11].split() == [
        *("Qwen3-VL-32B", "Atlas", "800I", "A2", "2", "4*", "8", "bfloat16", "float16"),
        *("16", "bits", "Qwen/Qwen3-VL-32B-Instruct"),
    ]  # fmt: skip
    assert lines[9].endswith("w8a8     none published")
    assert lines[-1].startswith("All take text, image, video, up to 262144 tokens.")
