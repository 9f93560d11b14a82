"""Words of a command line are held against the engine's own parser, of the pinned version."""

import json

import pytest

from roles.spec import Accelerator, Engine, SpecError, inventory, parser
from roles.spec.base import Fault
from tests.roles.spec.nouns import Nouns

VLLM = ["0.11.0", "0.13.0", "0.18.0", "0.18.1", "0.20.2", "0.23.0"]
VLLM += ["0.26.0", "0.27.1", "0.32.0", "0.33.0"]
LMDEPLOY = ["0.12.3", "0.18.0"]


def _parser(version: str = "0.26.0", engine: str = "vllm") -> parser.Parser:
    found = parser.of(engine, version)
    assert found
    return found


def _said(*words: str, version: str = "0.26.0", engine: str = "vllm") -> list[str]:
    found = _parser(version, engine).refusals(words)
    return [str(fault).removeprefix("extra: ") for fault in found]


def test_tables() -> None:
    """Each is of a wheel, and knows the words that never changed."""
    files = sorted(file.stem for file in parser.TABLES.glob("*.json"))
    assert files == sorted(
        ["instead", *(f"vllm-{one}" for one in VLLM), *(f"lmdeploy-{one}" for one in LMDEPLOY)]
    )
    for name in files:
        if name == "instead":
            continue
        table = json.loads((parser.TABLES / f"{name}.json").read_text())
        engine, _, version = name.rpartition("-")
        assert (table["engine"], table["version"]) == (engine, version)
        assert table["wheel"].startswith((f"{engine}-{version}-", f"{engine}_cpu-{version}-"))
        assert len(table["sha256"]) == 64
        assert set(table["aliases"].values()) <= set(table["flags"])
        assert table["flags"]["--trust-remote-code" if engine == "vllm" else "--tp"]


def test_plugin_takes_what_its_vllm_takes() -> None:
    """And one quantisation more, which vLLM alone refuses."""
    plugin = "vllm-ascend"
    assert parser.versions(plugin) == VLLM
    words = ("--quantization", "ascend", "--load_format", "sharded_state")
    assert _said(*words, version="0.18.0", engine=plugin) == []
    assert _said("--quantization", "sharp", version="0.18.0", engine=plugin)[0].startswith(
        "--quantization is 'sharp', should be one of ascend, awq, "
    )
    assert _said(*words, version="0.18.0")[0].startswith("--quantization is 'ascend', should be")
    assert _said("--task", "x", version="0.18.0", engine=plugin) == [
        "--task is no option of vllm-ascend 0.18.0, write --runner or --convert"
    ]


def test_what_is_given() -> None:
    words = (
        *("-q", "ascend", "--load_format=sharded_state", "--enforce-eager"),
        *("--compilation-config.cudagraph_mode", "FULL", "--cudagraph-capture-sizes", "1", "2"),
    )
    assert _parser().given(words) == {
        "--quantization": "ascend",
        "--load-format": "sharded_state",
        "--enforce-eager": "",
        "--compilation-config.cudagraph_mode": "FULL",
        "--cudagraph-capture-sizes": "1 2",
    }


def test_unknown_version_is_not_judged() -> None:
    assert parser.of("vllm", "0.29.0") is None
    assert parser.of("mindie", "3.0.0") is None


@pytest.mark.parametrize(
    "words",
    [
        ("--seed", "-1"),
        ("--seed=7", "--max-logprobs", "5"),
        ("--no-enable-prefix-caching",),
        ("--enable_chunked_prefill", "--scheduling_policy", "priority"),
        ("--max-num-batched-tokens", "8k"),
        ("--kv-cache-memory-bytes", "1.5g"),
        ("--kv-cache-memory-bytes", "2G"),
        ("--hf-overrides", '{"rope_parameters": {"rope_theta": 5e6}}'),
        ("--mm-processor-kwargs", '{"max_pixels": 1003520}'),
        ("--mm-processor-kwargs.max_pixels", "1", "--mm-processor-kwargs.min_pixels", "1"),
        ("-cc.mode", "3", "-O3"),
        ("-O", "2"),
        ("-O=2",),
        ("--middleware", "a.b", "--middleware", "c.d"),
        ("--allowed-media-domains", "a.example", "b.example"),
        ("--lora-modules", "one=/a", '{"name": "two", "path": "/a b"}'),
        ("--hf-token",),
        ("--chat-template=a b",),
        ("-pp", "2", "--distributed-executor-backend", "mp", "-dp", "1"),
        ("--kv-cache-dtype", "fp8", "--quantization", "fp8"),
    ],
)
def test_what_it_takes(words: tuple[str, ...]) -> None:
    assert _said(*words) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--task", "generate"), "--task is no option of vllm 0.26.0, write --runner or --convert"),
        (
            ("--disable_log_requests",),
            "--disable-log-requests is no option of vllm 0.26.0, leave it out, requests are logged "
            "only with --enable-log-requests",
        ),
        (("--session-len", "8192"), "--session-len is no option of vllm 0.26.0, set max_model_len"),
        (("--tp", "4"), "--tp is no option of vllm 0.26.0, set tensor_parallel_size"),
        (
            ("--max-num-queued-reqs", "4"),
            "--max-num-queued-reqs is no option of vllm 0.26.0, leave it out, it is known to "
            "0.32.0, 0.33.0",
        ),
        (
            ("--kv-cache-mem", "8G"),
            "--kv-cache-mem is short for --kv-cache-memory-bytes, write it out, versions differ in "
            "it",
        ),
        (
            ("--kv-cash-dtype", "fp8"),
            "--kv-cash-dtype is no option of vllm 0.26.0, did you mean --kv-cache-dtype",
        ),
        (("--no-such-flag",), "--no-such-flag is no option of vllm 0.26.0, leave it out"),
        (
            ("--scheduling-policy", "fair"),
            "--scheduling-policy is 'fair', should be one of fcfs, priority",
        ),
        (("--seed", "many"), "--seed is 'many', should be a whole number"),
        (("--cpu-offload-gb", "all"), "--cpu-offload-gb is 'all', should be a number"),
        (
            ("--max-num-batched-tokens", "8 k"),
            "--max-num-batched-tokens is '8 k', should be a whole number, or one such as 8k",
        ),
        (("--media-io-kwargs", "video=1"), "--media-io-kwargs is no JSON, should be JSON"),
        (("--seed",), "--seed has no value, put a whole number behind it"),
        (("--seed", "--headless"), "--seed has no value, put a whole number behind it"),
        (("--chat-template",), "--chat-template has no value, put it behind it"),
        (
            ("--scheduling-policy",),
            "--scheduling-policy has no value, put one of fcfs, priority behind it",
        ),
        (
            ("--headless=yes",),
            "--headless is given a value, leave the value out, the option says it all",
        ),
        (
            ("--seed", "1", "2"),
            "a word behind --seed belongs to no option, put it behind the option that it is for",
        ),
        (
            ("Qwen/Qwen3-VL-8B", "--seed", "1"),
            "a word at the beginning belongs to no option, put it behind the option that it is for",
        ),
        (
            ("--headless", "--seed", "1", "--headless"),
            "--headless is given twice, give it once, only the last counts",
        ),
        (
            ("--trust_remote_code", "--trust-remote-code"),
            "--trust-remote-code is given twice, as --trust_remote_code and as "
            "--trust-remote-code, give it once, only the last counts",
        ),
        (
            ("--enable-prefix-caching", "--no-enable-prefix-caching"),
            "--enable-prefix-caching is given twice, as --enable-prefix-caching and as "
            "--no-enable-prefix-caching, give it once, only the last counts",
        ),
        (
            ("--hf-overrides.a", "1", "--hf_overrides.a=2"),
            "--hf-overrides.a is given twice, as --hf-overrides.a and as --hf_overrides.a, give it "
            "once, only the last counts",
        ),
    ],
)
def test_what_it_refuses(words: tuple[str, ...], said: str) -> None:
    assert _said(*words) == [said]


@pytest.mark.parametrize(
    ("version", "words", "said"),
    [
        ("0.11.0", ("--task", "generate", "--disable-log-requests"), []),
        (
            "0.11.0", ("--shutdown-timeout", "5"),
            ["--shutdown-timeout is no option of vllm 0.11.0, leave it out, it is known to 0.18.0, "
             "0.18.1, 0.20.2, 0.23.0, 0.26.0, 0.27.1, 0.32.0, 0.33.0"],
        ),
        ("0.18.1", ("--shutdown-timeout", "5"), []),
        (
            "0.18.1", ("--swap-space", "4"),
            ["--swap-space is no option of vllm 0.18.1, leave it out, nothing is swapped"],
        ),
        ("0.33.0", ("--device-memory-utilization", "0.9", "--disable-log-requests"), []),
    ],
)  # fmt: skip
def test_versions_differ(version: str, words: tuple[str, ...], said: list[str]) -> None:
    assert _said(*words, version=version) == said


@pytest.mark.parametrize("version", VLLM)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--dtype", "int8"), "--dtype is 'int8', should be one of auto, "),
        (("--limit-mm-per-prompt", "image=1"), "--limit-mm-per-prompt is no JSON, should be JSON"),
        (("--quantization", "squeezellm"), "--quantization is 'squeezellm', should be one of "),
        (("--quantization", "int8"), "--quantization is 'int8', should be one of "),
        (("--session-len", "8192"), "--session-len is no option of vllm "),
        (("--gpu-mem", "0.9"), "--gpu-mem is short for --gpu-memory-utilization, write it out"),
    ],
)  # fmt: skip
def test_mistakes_of_recipes(version: str, words: tuple[str, ...], said: str) -> None:
    """What every pin refuses, and some of them only after the weights were loaded."""
    (found,) = _said(*words, version=version)
    assert found.startswith(said)


@pytest.mark.parametrize("version", LMDEPLOY)
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("--max-model-len", "8192"),
            "--max-model-len is no option of lmdeploy {}, set session_len",
        ),
        (("--max-num-seqs", "8"), "--max-num-seqs is no option of lmdeploy {}, set max_batch_size"),
        (("--backend", "vllm"), "--backend is 'vllm', should be one of pytorch, turbomind"),
        (
            ("--enable-metrics",),
            "--enable-metrics is no option of lmdeploy {}, leave it out, metrics are there unless "
            "--disable-metrics",
        ),
    ],
)
def test_lmdeploy(version: str, words: tuple[str, ...], said: str) -> None:
    right = ("--tp", "4", "--session_len=8192", "--api-keys", "one", "two", "--eager-mode")
    found = _said(*right, *words, version=version, engine="lmdeploy")
    assert found == [said.format(version)]


def test_fault_is_of_the_instance(nouns: Nouns) -> None:
    options = nouns.options(extra=("--task", "generate"))
    with pytest.raises(SpecError) as caught:
        inventory({"gpu-1": nouns.chat(options=options)})
    assert caught.value.faults == (
        Fault(
            path="gpu-1/instances/chat/options/extra",
            wrong="--task is no option of vllm 0.26.0",
            right="write --runner or --convert",
        ),
    )


def test_secrets_are_not_shown(nouns: Nouns) -> None:
    """A word that lost its option may be a key."""
    key = "sk-0123456789abcdef"
    words = ("--hf-token", "one", key, "--media-io-kwargs", key, f"--tokn={key}")
    faults = nouns.chat(options=nouns.options(extra=words)).faults()
    assert len(faults) == 3
    assert not any(key in str(fault) for fault in faults)


@pytest.mark.parametrize("flag", ["--quantization", "-q"])
def test_quantization_that_config_json_says(nouns: Nouns, flag: str) -> None:
    config = {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "text_config": {"num_attention_heads": 8, "hidden_size": 64, "num_hidden_layers": 2},
    }
    options = nouns.options(extra=(flag, "awq"))
    nouns.file("config.json", json.dumps(config))
    assert nouns.chat(options=options).faults() == []
    quantized = config | {"quantization_config": {"quant_method": "compressed-tensors"}}
    nouns.file("config.json", json.dumps(quantized))
    (fault,) = nouns.chat(options=options).faults()
    assert str(fault) == (
        "instances/chat/options/extra: --quantization is beside a config.json that says "
        "compressed-tensors, leave it out, the engine reads it there"
    )


def _on_ascend(nouns: Nouns, *words: str, files: tuple[str, ...] = ()) -> list[str]:
    """Return the faults of an instance of vllm-ascend whose config.json MindIE reads, too."""
    config = {
        "architectures": ["Qwen3VLForConditionalGeneration"],
        "text_config": {"num_attention_heads": 8, "hidden_size": 64, "num_hidden_layers": 2},
        "quantize": "w8a8",
    }
    nouns.file("config.json", json.dumps(config))
    stack = nouns.stack(
        engine=Engine.VLLM_ASCEND, accelerator=Accelerator.ASCEND, version="0.18.0", driver=None
    )
    options = nouns.options(engine=Engine.VLLM_ASCEND, extra=words)
    instance = nouns.instance(stack=stack, options=options, weights=nouns.weights(*files))
    return [str(fault) for fault in instance.faults()]


def test_quantization_that_a_description_says(nouns: Nouns) -> None:
    """It is said in words beside msModelSlim's description, whatever config.json says to MindIE."""
    words = ("--quantization", "ascend")
    assert _on_ascend(nouns, *words, files=("quant_model_description.json",)) == []
    assert _on_ascend(nouns, *words) == [
        "options/extra: --quantization ascend is beside weights without "
        "quant_model_description.json, leave it out, or pin weights that msModelSlim made"
    ]
    assert _on_ascend(nouns, "--quantization=awq") == [
        "options/extra: --quantization is beside a config.json that says w8a8, leave it out, the "
        "engine reads it there"
    ]


def test_version_without_a_table(nouns: Nouns) -> None:
    """Nobody knows what it takes: nothing is said here."""
    stack = nouns.stack(version="0.29.0")
    options = nouns.options(extra=("--task", "generate"))
    assert nouns.chat(stack=stack, options=options).faults() == []
    assert stack.engine is Engine.VLLM
