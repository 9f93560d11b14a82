"""Ollama on GPUs: what refuses a plan, and what would fit."""

import json
from typing import Any

import pytest

from roles.preflight import Reason, against, ollama
from roles.preflight.capacity import Device
from roles.spec import Accelerator, HostSpec, OllamaOptions, Stack, Weights, WeightsFile
from roles.spec.model import Model, model_from
from tests.roles import devices
from tests.roles.faked import bare
from tests.roles.preflight import plans
from tests.roles.spec.nouns import HASH, Nouns

SHAPE = {
    "blob": f"sha256-{HASH}",
    "architectures": ["qwen3"],
    "num_hidden_layers": 36,
    "hidden_size": 4096,
    "num_attention_heads": 32,
    "num_key_value_heads": 8,
    "head_dim": 128,
    "max_position_embeddings": 40960,
    "torch_dtype": "float16",
    "quantize": "Q4_K_M",
}
MODEL = model_from(json.dumps(SHAPE))
CARD = Device("device 0 (a card)", total=24.0, free=23.5)


def _weights(nouns: Nouns) -> Weights:
    return nouns.store(config=nouns.file("shape.json", json.dumps(SHAPE)))


def _options(**fields: Any) -> OllamaOptions:
    return OllamaOptions(**{"context_length": 8192} | fields)


def _memory(
    nouns: Nouns, options: OllamaOptions, *cards: Device, model: Model | None = MODEL
) -> list[str]:
    instance = nouns.ollama(options=options, devices=tuple(range(len(cards))))
    return [str(reason) for reason in ollama.memory(instance, options, model, list(cards))]


def _against(spec: HostSpec, found: Any) -> list[Reason]:
    return [reason for reason in against(spec, found) if reason.code != "no-model"]


def test_right_plan_on_a_gpu(nouns: Nouns) -> None:
    """Neither a Python, nor wheels, nor torch are asked of what has none of them."""
    spec = nouns.host(nouns.ollama(weights=_weights(nouns)))
    found = bare()
    found["system"]["pythons"] = ["python3.9"]
    assert against(spec, found) == []


def test_right_plan_on_a_cpu(nouns: Nouns) -> None:
    stack = nouns.ollama_stack(accelerator=Accelerator.CPU)
    instance = nouns.ollama(stack=stack, devices=(), weights=_weights(nouns))
    assert against(nouns.host(instance, accelerator=Accelerator.CPU), bare()) == []


def test_store_without_a_shape_is_told(nouns: Nouns) -> None:
    (reason,) = against(nouns.host(nouns.ollama()), bare())
    assert (reason.refuses, reason.code) == (False, "no-model")
    assert reason.wanted == "what python -m roles.weights.gguf makes of the store"


def test_context_longer_than_the_model(nouns: Nouns) -> None:
    """Ollama cuts it; nothing fails."""
    instance = nouns.ollama(weights=_weights(nouns), options=_options(context_length=65536))
    (reason,) = against(nouns.host(instance), bare())
    assert (reason.refuses, reason.code) == (False, "context")


def test_archive_counts_on_the_disk(nouns: Nouns) -> None:
    """It arrives beside its place: its own size and what comes out of it."""
    stack = nouns.ollama_stack(size=3 << 30)
    found = bare()
    found["disks"]["/opt/metalserve"]["free_mib"] = 6 * 1024
    (reason,) = _against(nouns.host(nouns.ollama(stack=stack)), found)
    assert (reason.code, reason.found) == ("disk", "6.0 GiB free")
    assert reason.wanted == "7.0 GiB for ollama-0.33"


def test_what_fits(nouns: Nouns) -> None:
    """8B in 4 bits: 4.9 GiB, and 1.1 GiB a request of 8192 tokens."""
    assert _memory(nouns, _options(), CARD) == []
    assert _memory(nouns, _options(num_parallel=15), CARD) == []
    assert _memory(nouns, _options(num_parallel=16), CARD) != []


def test_what_does_not_fit_would_run_on_the_processor(nouns: Nouns) -> None:
    assert _memory(nouns, _options(num_parallel=32), CARD) == [
        "instances/chat/options: found 23.5 GiB free on device 0 (a card), wanted 42.6 GiB: "
        "weights 4.9, reserve 1.7 (estimate), cache 36.0 for 32 request(s) of 8192 tokens; the "
        "rest would run on the processor; context_length 3840 or num_parallel 15 would fit [memory]"
    ]


@pytest.mark.parametrize(
    ("kept_in", "gib"), [("f16", "cache 36.0"), ("q8_0", "cache 19.1"), ("q4_0", "cache 10.1")]
)
def test_what_the_cache_is_kept_in(nouns: Nouns, kept_in: Any, gib: str) -> None:
    options = _options(num_parallel=32, kv_cache_type=kept_in, flash_attention=True)
    (said,) = _memory(nouns, options, Device("device 0", total=8, free=7))
    assert gib in said


def test_layers_are_shared_out(nouns: Nouns) -> None:
    """Three cards are no matter: nothing is split within a layer."""
    cards = [Device(f"device {n}", total=16, free=15.0) for n in range(3)]
    assert _memory(nouns, _options(num_parallel=31), *cards[:3]) == []
    (said,) = _memory(nouns, _options(num_parallel=31), *cards[:2])
    assert "found 30.0 GiB free on device 0 and device 1" in said
    spec = nouns.host(nouns.ollama(devices=(0, 1), weights=_weights(nouns)))
    assert against(spec, bare()) == []


def test_weights_alone_are_too_large(nouns: Nouns) -> None:
    (said,) = _memory(nouns, _options(), Device("device 0", total=6, free=5), model=None)
    assert "wanted 6.6 GiB: weights 4.9, reserve 1.7 (estimate); the rest" in said
    assert "choose larger or more devices, or a smaller model" in said


def test_memory_is_judged_with_the_plan(nouns: Nouns) -> None:
    large = WeightsFile(path=f"blobs/sha256-{HASH}", size=200 << 30, sha256=HASH)
    weights = nouns.store(files=(large, nouns.store().files[1]))
    (reason,) = _against(nouns.host(nouns.ollama(weights=weights)), bare())
    assert (reason.code, reason.refuses) == ("memory", True)


def _card(capability: str, driver: str = "580.95.05") -> Any:
    return plans.with_gpus(devices.gpu(0, capability=capability), driver=driver)


@pytest.mark.parametrize(
    ("capability", "driver", "codes"),
    [
        ("5.2", "580.95.05", []),
        ("6.1", "570.124.06", []),
        ("6.1", "560.28.03", ["driver"]),
        ("7.0", "560.28.03", []),
        ("3.7", "580.95.05", ["capability"]),
    ],
)
def test_old_cards(nouns: Nouns, capability: str, driver: str, codes: list[str]) -> None:
    found = _card(capability)
    found["accelerators"]["cuda"]["driver"] = driver
    told = _against(nouns.host(nouns.ollama()), found)
    assert [reason.code for reason in told] == codes


def test_critical_advisory(nouns: Nouns) -> None:
    given: dict[str, Any] = vars(nouns.ollama_stack()) | {"version": "0.16.2"}
    (reason,) = _against(nouns.host(nouns.ollama(stack=Stack(**given))), bare())
    assert reason.found == (
        "ollama 0.16.2 with CVE-2026-7482 (critical): "
        "a model that a client creates reads the server's memory"
    )
