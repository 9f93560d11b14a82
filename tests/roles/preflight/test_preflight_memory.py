"""Memory: the formulas against numbers that engines and vendors told; tiers of 24 GB cards."""

from typing import Literal

import pytest

from roles.preflight import capacity, memory
from roles.preflight.capacity import Device
from roles.spec import LmdeployOptions, MindieOptions, Model, VllmOptions
from tests.roles import devices
from tests.roles.faked import seen
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found, codes_of, reasons_of

RTX = Device("an RTX 3090", total=24260 / 1024, free=24259 / 1024)


def _model(size: str) -> Model:
    found = plans.weights(size).model
    assert found
    return found


@pytest.mark.parametrize(
    ("size", "devices_", "bytes_"),
    [
        ("2b", 1, 114688),
        ("4b", 1, 147456),
        ("8b", 1, 147456),
        ("8b", 8, 18432),
        ("8b", 16, 18432),
        ("32b", 4, 65536),
        ("30b-a3b", 1, 98304),
        ("30b-a3b", 8, 24576),
    ],
)
def test_a_token(size: str, devices_: int, bytes_: int) -> None:
    """2 · layers · kv heads a device · head_dim · 2 bytes; a head is never split, it is copied."""
    token = capacity.token(_model(size), plans.options(), devices_)
    assert token * (1 << 30) == pytest.approx(bytes_)


def test_as_vllm_told_it() -> None:
    """
    36.0 GiB for 262144 tokens of 36 layers and 8 key-value heads, and 50512 tokens in 6.94 GiB
    (xorbitsai/inference#4926).
    """
    token = capacity.token(_model("8b"), plans.options(), 1)
    assert 262144 * token == pytest.approx(36.0)
    assert 6.94 / token == pytest.approx(50512, rel=0.001)


@pytest.mark.parametrize(("batch", "gib"), [(4, 3), (50, 36)])
def test_as_mindie_documents_it(batch: int, gib: int) -> None:
    """Its formula, rounded up, for the 8B on two chips with 10240 tokens."""
    spec = plans.mindie(
        on=2, max_seq_len=10240, max_prefill_batch_size=batch, max_batch_size=batch,
        npu_mem_size=gib,
    )  # fmt: skip
    assert reasons_of("npu-mem-size", spec, plans.a2(2)) == []
    (one,) = spec.instances
    lower = one.options.model_copy(update={"npu_mem_size": gib - 1})
    (reason,) = reasons_of(
        "npu-mem-size", plans.ascend(one.model_copy(update={"options": lower})), plans.a2(2)
    )
    assert (reason.refuses, reason.wanted.split(",")[0]) == (False, f"{gib} GiB")


@pytest.mark.parametrize(
    ("fields", "bytes_"),
    [
        ({}, 2),
        ({"dtype": "float32"}, 4),
        ({"extra": ("--kv-cache-dtype", "fp8")}, 1),
        ({"extra": ("--kv-cache-dtype=fp8_e4m3",)}, 1),
        ({"extra": ("--kv_cache_dtype", "auto")}, 2),
        ({"extra": ("--seed", "8")}, 2),
    ],
)
def test_bytes_of_the_cache(fields: Found, bytes_: int) -> None:
    two = capacity.token(_model("8b"), plans.options(), 1) / 2
    assert capacity.token(_model("8b"), plans.options(**fields), 1) == two * bytes_


@pytest.mark.parametrize(("policy", "bytes_"), [(0, 2), (8, 1), (4, 0.5)])
def test_bytes_of_lmdeploys_cache(policy: Literal[0, 4, 8], bytes_: float) -> None:
    two = capacity.token(_model("8b"), plans.options(), 1) / 2
    asked = LmdeployOptions(session_len=8192, quant_policy=policy)
    assert capacity.token(_model("8b"), asked, 1) == two * bytes_


@pytest.mark.parametrize(
    ("size", "on", "fields", "gib"),
    [
        ("8b", 1, {}, 16.33),
        ("8b", 2, {}, 8.17),
        ("8b", 1, {"dtype": "float32"}, 32.66),
        ("8b", 1, {"dtype": "float16"}, 16.33),
        ("32b", 4, {}, 15.53),
        ("30b-a3b", 1, {}, 57.87),
    ],
)
def test_weights(size: str, on: int, fields: Found, gib: float) -> None:
    asked = plans.instance(size, on=on, options=plans.options(tensor_parallel_size=on, **fields))
    assert capacity.needed(asked, on).weights == pytest.approx(gib, abs=0.01)


@pytest.mark.parametrize(
    ("size", "fields", "gib"),
    [
        ("8b", {"images": 1}, 3.8),
        ("8b", {"images": 0, "videos": 1}, 3.8),
        ("8b", {"images": 0}, 1.7),
        ("32b", {"images": 0}, 1.7),
    ],
)
def test_reserve(size: str, fields: Found, gib: float) -> None:
    """The tower counts where something is shown to it."""
    one = plans.weights(size).model_copy(update={"takes": (), "checks": ()})
    asked = plans.instance(size, options=plans.options(**fields), weights=one)
    assert capacity.needed(asked, 1).reserve == pytest.approx(gib)


def test_canary_needs_next_to_nothing() -> None:
    from inventories.weights import canary

    asked = plans.instance(weights=canary.WEIGHTS, options=plans.options(max_model_len=1024))
    assert capacity.needed(asked, 1).reserve == pytest.approx(0.7, abs=0.01)


def test_what_each_engine_leaves() -> None:
    """Of all, of what is free, or what it was told."""
    half = Device("half used", total=64, free=32)
    for asked, cache, left in (
        (VllmOptions(max_model_len=16, gpu_memory_utilization=0.5), -1, 14),
        (LmdeployOptions(session_len=16, cache_max_entry_count=0.5), -1, 7),
        (MindieOptions(), 12, 12),
        (MindieOptions(), 15, -1),
        (MindieOptions(), -1, 64 * 0.8 - 18),
    ):
        need = capacity.Need(weights=16, reserve=2, token=0.0001, cache=cache)
        assert capacity.room(asked, need, half) == pytest.approx(left)


@pytest.mark.parametrize(("given", "cache"), [(None, 3), (5, 5), (-1, -1)])
def test_what_mindie_is_told(given: int | None, cache: int) -> None:
    """Its formula unless a size is given."""
    spec = plans.mindie(
        on=2, max_seq_len=10240, max_prefill_batch_size=4, max_batch_size=4, npu_mem_size=given
    )
    assert capacity.needed(spec.instances[0], 2).cache == cache


TIERS = [
    # size, cards, tokens that fit with a share of 0.9
    ("2b", 1, 65536, True),
    ("2b", 1, 131072, False),
    ("4b", 1, 65536, True),
    ("4b", 1, 131072, False),
    ("8b", 1, 8192, True),
    ("8b", 1, 16384, False),
    ("8b", 2, 65536, True),
    ("32b", 1, 16, False),
    ("32b", 2, 16, False),
    ("32b", 4, 8192, True),
    ("32b", 4, 16384, True),
    ("32b", 4, 65536, False),
    ("30b-a3b", 2, 16, False),
    ("30b-a3b", 4, 32768, True),
]


@pytest.mark.parametrize(("size", "cards", "tokens", "fits"), TIERS)
def test_tiers_of_24_gb_cards(size: str, cards: int, tokens: int, fits: bool) -> None:
    asked = plans.options(max_model_len=tokens, tensor_parallel_size=cards)
    spec = plans.one(size, on=cards, options=asked)
    assert codes_of(spec, plans.rtx3090s(cards)) == ([] if fits else ["memory"])


@pytest.mark.parametrize(
    ("size", "tokens", "fields", "ways"),
    [
        ("8b", 16384, {}, ["max_model_len 8448", "gpu_memory_utilization 0.95", "2 such devices"]),
        ("8b", 32768, {}, ["max_model_len 8448", "2 such devices"]),
        ("32b", 8192, {}, ["4 such devices"]),
        ("32b", 262144, {}, ["8 such devices"]),
        ("8b", 8192, {"gpu_memory_utilization": 0.5}, ["gpu_memory_utilization 0.9"]),
        ("8b", 8192, {"gpu_memory_utilization": 0.1}, ["gpu_memory_utilization 0.9"]),
    ],
)
def test_what_would_fit(size: str, tokens: int, fields: Found, ways: list[str]) -> None:
    asked = plans.options(max_model_len=tokens, **fields)
    assert capacity.fitting(plans.instance(size, options=asked), RTX, 1)[: len(ways)] == ways


@pytest.mark.parametrize("size", ["2b", "4b", "8b", "32b", "30b-a3b"])
@pytest.mark.parametrize("share", [0.3, 0.6, 0.9])
def test_what_is_proposed_does_fit(size: str, share: float) -> None:
    """Whatever is proposed for a plan that is refused, is not refused."""
    asked = plans.options(max_model_len=131072, gpu_memory_utilization=share)
    one = plans.instance(size, options=asked)
    for way in capacity.fitting(one, RTX, 1):
        number, *_ = [word for word in way.split() if word.replace(".", "").isdecimal()]
        if way.endswith("devices"):
            on = int(number)
            changed = asked.model_copy(update={"tensor_parallel_size": on})
            spec = plans.one(size, on=on, options=changed)
        else:
            on, key = 1, way.split()[0]
            changed = asked.model_copy(
                update={key: float(number) if "." in number else int(number)}
            )
            spec = plans.one(size, options=changed)
        assert codes_of(spec, plans.rtx3090s(on)) == [], way


def test_what_would_fit_on_ascend() -> None:
    spec = plans.mindie(npu_mem_size=1, max_seq_len=65536, max_input_token_len=2048)
    (reason,) = reasons_of("memory", spec, plans.a2(1))
    assert reason.remedy == "max_seq_len 7168 or npu_mem_size 9 would fit"
    assert reason.found.startswith("61.4 GiB free of 64.0, npu_mem_size 1, on device 0")


def test_what_would_fit_of_lmdeploy() -> None:
    (reason,) = reasons_of("memory", plans.lmdeploy("0.12.3", session_len=65536), plans.rtx3090s(1))
    assert reason.found == (
        "23.7 GiB free, 0.8 of what the model leaves for the cache, on device 0 "
        "(NVIDIA GeForce RTX 3090)"
    )
    assert reason.remedy == "session_len 20736 or 2 such devices would fit"


def test_nothing_would_fit() -> None:
    one = plans.instance("32b", options=plans.options(max_model_len=262144))
    tiny = Device("a GTX", total=2, free=2)
    assert capacity.fitting(one, tiny, 1) == []
    reason = next(memory.judged(one, [tiny]))
    assert reason.remedy == "choose larger devices, or a smaller or quantised model"


def test_the_tightest_device_decides() -> None:
    found = plans.with_gpus(plans.rtx3090(0), plans.rtx3090(1, free_mib=9000))
    (reason,) = reasons_of("memory-held", plans.one("2b", on=2), found)
    assert "8.8 GiB free of 23.7 on device 1" in reason.found


@pytest.mark.parametrize(
    ("free_mib", "remedy"),
    [
        (22600, None),
        (22500, "gpu_memory_utilization 0.89 would fit, or stop what holds the rest"),
        (12000, "gpu_memory_utilization 0.46 would fit, or stop what holds the rest"),
        (9000, "stop what holds the rest, or name another device"),
    ],
)
def test_share_that_is_not_free(free_mib: int, remedy: str | None) -> None:
    """0.9 of 23.7 GiB, and 0.7 for CUDA: 22551 MiB."""
    found = plans.rtx3090s(1, free_mib=free_mib)
    remedies = [reason.remedy for reason in reasons_of("memory-held", plans.one("2b"), found)]
    assert remedies == ([remedy] if remedy else [])


@pytest.mark.parametrize(
    ("own", "stranger", "free"),
    [
        ({"mib": 20000}, None, 23.7),
        ({"mib": None}, None, 23.7),
        ({"mib": 15000}, {"mib": 5000}, 18.8),
        ({"mib": None}, {"mib": 5000}, 18.8),
        (None, {"mib": 20000}, 4.2),
    ],
)
def test_what_our_own_instance_holds_is_free(
    own: Found | None, stranger: Found | None, free: float
) -> None:
    """It is stopped before the new one starts; a container does not tell how much it holds."""
    unit = "metalserve-vllm@chat.service"
    processes = [{"pid": 7, "name": "a", "unit": unit, **own}] if own else []
    processes += [{"pid": 8, "name": "b", "unit": None, **stranger}] if stranger else []
    device = plans.rtx3090(free_mib=4259, used_mib=20001, processes=processes)
    found = plans.with_gpus(device) | {"instances": {"chat": seen(unit=unit)}}
    assert memory.memory_of(0, device, plans.one(), found).free == pytest.approx(free, abs=0.05)


def test_without_a_shape_weights_alone_are_judged() -> None:
    one = plans.weights("8b").model_copy(update={"config": None})
    assert one.model is None
    for length in (262144, 16):
        spec = plans.one(weights=one, options=plans.options(max_model_len=length))
        assert codes_of(spec, plans.rtx3090s(1)) == []
        assert [reason.refuses for reason in reasons_of("no-model", spec, plans.rtx3090s(1))] == [
            False
        ]
    large = plans.weights("32b").model_copy(update={"config": None})
    (reason,) = reasons_of("memory", plans.one(weights=large), plans.rtx3090s(1))
    assert reason.wanted == "62.1 GiB a device: weights 62.1"
    assert reason.remedy == "4 such devices would fit"


def test_requests_at_once() -> None:
    spec = plans.one("4b", options=plans.options(max_num_seqs=64))
    (reason,) = reasons_of("concurrency", spec, plans.rtx3090s(1))
    assert (reason.refuses, reason.found, reason.wanted) == (
        False,
        "a cache of 9.3 GiB, 8 request(s) of 8192 tokens",
        "64 at once, as asked",
    )


def test_devices_that_are_not_there_are_not_measured() -> None:
    """Missing, or not answering: that is told, and nothing is guessed."""
    lost = devices.gpu(0, total_mib=None, free_mib=None, error={"code": 15, "text": "lost"})
    assert codes_of(plans.one("32b"), plans.with_gpus(lost)) == ["device-failing"]
    assert codes_of(plans.one("32b", on=2), plans.rtx3090s(1)) == ["device-missing"]
