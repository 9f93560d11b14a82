"""What is to be compressed is refused before it is fetched, with every reason."""

from typing import Any

import pytest

from roles.preflight import Reason, against
from roles.spec import MindieOptions
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found
from tests.roles.weights.test_weights_made import instance, on_duo, quantised


def _reasons(found: Found | None = None, **fields: Any) -> list[Reason]:
    spec = plans.ascend(instance(**fields))
    told = against(spec, found or plans.duos(1))
    return [reason for reason in told if reason.refuses]


def _mindie(**fields: Any) -> MindieOptions:
    right = {"npu_mem_size": 1, "images": 1, "max_batch_size": 1, "max_prefill_batch_size": 1}
    return MindieOptions(**right | fields)


def test_right() -> None:
    assert _reasons(options=_mindie(world_size=2)) == []


def test_without_a_key_that_is_patched() -> None:
    """The name of msModelSlim's description says it as well."""
    plain = plans.weights("8b", name="qwen3-vl-8b-w8a8s")
    more = tuple(f for f in quantised().files if f.path not in [g.path for g in plain.files])
    weights = plain.model_copy(update={"files": (*plain.files, *more)})
    assert _reasons(options=_mindie(world_size=2), weights=weights) == []


@pytest.mark.parametrize(
    ("found", "told"),
    [
        (plans.a2(8), "found w8a8sc on Atlas 800I A2, wanted an Atlas 300I DUO, which alone"),
        (
            plans.with_npus(plans.duo(0, kind="310p"), plans.duo(0, 1, kind="310p")),
            "found w8a8sc on Atlas 300I Pro, wanted an Atlas 300I DUO",
        ),
    ],
)
def test_another_chip(found: Found, told: str) -> None:
    reasons = [one for one in _reasons(found, options=_mindie(world_size=2)) if one.code != "chip"]
    (reason,) = [one for one in reasons if one.code.startswith(("compression", "model"))]
    assert reason.code == "compression-chip"
    assert f"instances/chat/compression: {told}" in str(reason)


@pytest.mark.parametrize(
    ("fields", "codes", "told"),
    [
        (
            {"stack": on_duo().model_copy(update={"installers": plans.cann("8.5.1", chip="310p")})},
            ["compression-tool"],
            "found no atb-models in mindie-3.0.0, wanted those of MindIE's version",
        ),
        (
            {"stack": plans.mindie_stack(installers=on_duo().installers, lock="mindie-2.1")},
            ["compression-tool"],
            "found no msmodelslim, torch-npu in the lock of mindie-3.0.0",
        ),
        (
            {"weights": plans.weights("8b", shape="8b-w8a8s")},
            ["compression-files", "compression-files"],
            "found no chat_template.json, preprocessor_config.json, video_preprocessor_config.json "
            "in qwen3-vl-8b-w8a8s",
        ),
        (
            {"weights": plans.weights("8b", shape="8b-w8a8s")},
            ["compression-files", "compression-files"],
            "found no quant_model_description*.json in qwen3-vl-8b-w8a8s",
        ),
        (
            {"weights": quantised(config=None)},
            ["compression-files"],
            "found no config.json of qwen3-vl-8b-w8a8s on this machine",
        ),
        (
            {"weights": plans.weights("8b", shape="8b-w8a8", files=quantised().files)},
            ["model-quantization"],
            "found w8a8, to be compressed to w8a8sc, wanted w8a8s",
        ),
        (
            {"weights": plans.weights("2b", files=quantised().files), "world_size": 1},
            ["model-quantization"],
            "found w8a8sc of Qwen3-VL-2B on Atlas 300I DUO, wanted weights of 16 bits",
        ),
    ],
)
def test_refused(fields: dict[str, Any], codes: list[str], told: str) -> None:
    world_size = fields.get("world_size", 2)
    made = _reasons(**{"options": _mindie(world_size=world_size)} | fields)
    made = [one for one in made if one.code.startswith(("compression", "model"))]
    assert [one.code for one in made] == codes
    assert told in "\n".join(map(str, made))


def test_world_size_of_the_matrix() -> None:
    """One of 32B takes two chips at least, compressed or not."""
    weights = plans.weights("32b", name="w8a8s", files=quantised().files)
    made = _reasons(world_size=1, options=_mindie(world_size=1), weights=weights)
    assert "world-size" in [one.code for one in made]
