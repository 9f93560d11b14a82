"""Lines of real logs find their cause; lines that every healthy start has find none."""

import re

import failures
import pytest

# As engines and their libraries print them, shortened where they go on.
LINES = {
    "the pinned engine does not know this flag": [
        "api_server.py: error: unrecognized arguments: --no-such-flag",
    ],
    "the pinned engine does not accept this value": [
        "api_server.py: error: argument --dtype: invalid choice: 'int3' (choose from 'auto')",
        "vllm serve: error: argument --tensor-parallel-size/-tp: invalid int value: 'two'",
    ],
    "weights and activations exceed the device's memory": [
        "(EngineCore_0 pid=41) ERROR 09-11 10:00:00 [core.py:700] torch.OutOfMemoryError: CUDA "
        "out of memory. Tried to allocate 1.16 GiB. GPU 0 has a total capacity of 23.64 GiB",
        "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB",
    ],
    "a chip has no room for the model": [
        "RuntimeError: NPU out of memory. Tried to allocate 2.00 GiB (NPU 0; 43.24 GiB total",
    ],
    "the chips have no bfloat16, and config.json names it": [
        "NotImplementedError: This device does not support bfloat16.Please change the data type"
        "(i.e. `torch_dtype`) to float16 in config.json from model weights.",
    ],
    "another process holds device memory": [
        "ValueError: Free memory on device (10.2/23.64 GiB) on startup is less than desired GPU "
        "memory utilization (0.9, 21.28 GiB). Decrease GPU memory utilization",
    ],
    "nothing is left for the key-value cache": [
        "ValueError: No available memory for the cache blocks. Try increasing "
        "`gpu_memory_utilization` when initializing the engine.",
    ],
    "the context is longer than the key-value cache": [
        "ERROR 07-03 14:17:08 [core.py:515] ValueError: To serve at least one request with the "
        "models's max seq len (32768), (4.50 GiB KV cache is needed, which is larger than the "
        "available KV cache memory (4.47 GiB). Based on the available memory, the estimated "
        "maximum model length is 32560.",
        "(EngineCore_DP0 pid=15) ValueError: To serve at least one request with the models's max "
        "seq len (131072), 24.00 GiB KV cache is needed, which is larger than the available KV "
        "cache memory (10.91 GiB).",
    ],
    "the context is longer than the model was made for": [
        "  Value error, User-specified max_model_len (65536) is greater than the derived "
        "max_model_len (max_position_embeddings=32768.0 in model's config.json)",
    ],
    "another process has the port": [
        "OSError: [Errno 98] Address already in use",
        "ERROR:    [Errno 98] error while attempting to bind on address ('127.0.0.1', 8000): "
        "address already in use",
    ],
    "a weights file is truncated": [
        "safetensors_rust.SafetensorError: Error while deserializing header: "
        "MetadataIncompleteBuffer",
        "safetensors_rust.SafetensorError: Error while deserializing header: HeaderTooLarge",
    ],
    "a disk is full": ["OSError: [Errno 28] No space left on device: '/var/cache/metalserve'"],
    "config.json holds keys that this engine's compressed-tensors does not know": [
        "  Extra inputs are not permitted [type=extra_forbidden, input_value=None]",
    ],
    "the driver is older than the CUDA of this stack": [
        "RuntimeError: The NVIDIA driver on your system is too old (found version 12080).",
    ],
    "the server wrote where its unit does not let it": [
        "OSError: [Errno 30] Read-only file system: '/root/.triton'",
        "PermissionError: [Errno 13] Permission denied: '/nonexistent'",
    ],
}
HEALTHY = [
    "INFO 11-05 10:00:00 [gpu_worker.py:298] Available KV cache memory: 18.43 GiB",
    "INFO 11-05 10:00:00 [kv_cache_utils.py:1087] GPU KV cache size: 134,208 tokens",
    "INFO 11-05 10:00:00 [api_server.py:1912] Starting vLLM API server 0 on http://127.0.0.1:8000",
    "INFO 11-05 10:00:00 [core.py:77] Initializing a V1 LLM engine (v0.11.0) with config: "
    "model='/weights', gpu_memory_utilization=0.9, max_model_len=4096",
    "Loading safetensors checkpoint shards: 100% Completed | 4/4 [00:02<00:00,  1.5it/s]",
    "INFO:     Application startup complete.",
]


def test_every_known_failure_has_a_line_here() -> None:
    assert list(LINES) == [cause for _, cause, _ in failures.KNOWN]


@pytest.mark.parametrize("known", failures.KNOWN, ids=[cause for _, cause, _ in failures.KNOWN])
def test_known_failure_compiles_and_says_what_to_do(known: tuple[str, str, str]) -> None:
    pattern, cause, remedy = known
    re.compile(pattern)
    assert cause[0].islower()
    assert remedy[0].islower()
    assert not cause.endswith(".")
    assert not remedy.endswith(".")


@pytest.mark.parametrize(
    ("cause", "line"), [(cause, line) for cause, lines in LINES.items() for line in lines]
)
def test_line_finds_its_cause_among_healthy_ones(cause: str, line: str) -> None:
    found = failures.diagnose([*HEALTHY, line, *HEALTHY])
    assert found is not None
    assert found["cause"] == cause
    assert found["lines"] == [HEALTHY[-1], line, HEALTHY[0]]


@pytest.mark.parametrize("line", HEALTHY)
def test_healthy_line_finds_none(line: str) -> None:
    assert failures.diagnose([line]) is None


def test_earliest_line_wins_over_what_wraps_it() -> None:
    found = failures.diagnose(
        [
            *HEALTHY,
            LINES["another process holds device memory"][0],
            "RuntimeError: Engine core initialization failed. See root cause above.",
            LINES["another process has the port"][0],
        ]
    )
    assert found is not None
    assert found["cause"] == "another process holds device memory"
    assert found["remedy"] == "stop its owner, or lower gpu_memory_utilization"


def test_first_and_last_line_have_fewer_around_them() -> None:
    line = LINES["a disk is full"][0]
    found = failures.diagnose([line])
    assert found is not None
    assert found["lines"] == [line]


def test_nothing_is_diagnosed_in_an_empty_log() -> None:
    assert failures.diagnose([]) is None
