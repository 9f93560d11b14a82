"""Known failures of engines: what a log line means and what to do about it."""

from __future__ import annotations

import re
from typing import Any, Dict, List

_SHOWN_LINES = 12

# (pattern, cause, remedy); the earliest line that matches is the root, wrappers come after it.
KNOWN = [
    (
        r"unrecognized arguments: (\S+)",
        "the pinned engine does not know this flag",
        "remove it from the instance's options",
    ),
    (
        r"argument (--\S+): invalid",
        "the pinned engine does not accept this value",
        "correct it in the instance's options",
    ),
    (
        r"torch\.(cuda\.)?OutOfMemoryError|CUDA out of memory",
        "weights and activations exceed the device's memory",
        "lower max_model_len or max_num_seqs, or use more devices",
    ),
    (
        r"NPU out of memory",
        "a chip has no room for the model",
        "free the chips of whatever else is on them, or use more of them",
    ),
    (
        r"does not support bfloat16",
        "the chips have no bfloat16, and config.json names it",
        "give the weights their config (Weights.config), so that it is patched to float16",
    ),
    (
        r"Free memory on device .*is less than desired GPU memory utilization",
        "another process holds device memory",
        "stop its owner, or lower gpu_memory_utilization",
    ),
    (
        r"No available memory for the cache blocks",
        "nothing is left for the key-value cache",
        "raise gpu_memory_utilization (kv_cache_gib on a CPU) or use a smaller model",
    ),
    (
        r"larger than the available KV cache memory",
        "the context is longer than the key-value cache",
        "lower max_model_len to the length that the log names",
    ),
    (
        r"User-specified max_model_len .*is greater than the derived",
        "the context is longer than the model was made for",
        "lower max_model_len to the model's own",
    ),
    (
        r"address already in use|Errno 98",
        "another process has the port",
        "find it with ss -ltnp, stop it or choose another port",
    ),
    (
        r"MetadataIncompleteBuffer|HeaderTooLarge|incomplete metadata|header too large",
        "a weights file is truncated",
        "stage the weights again",
    ),
    (
        r"No space left on device|Errno 28",
        "a disk is full",
        "free space on the disk that the lines before name",
    ),
    (
        r"Extra inputs are not permitted",
        "config.json holds keys that this engine's compressed-tensors does not know",
        "use an engine version that knows them",
    ),
    (
        r"The NVIDIA driver on your system is too old",
        "the driver is older than the CUDA of this stack",
        "upgrade the driver, or choose a stack for it",
    ),
    (
        r"Read-only file system|Permission denied",
        "the server wrote where its unit does not let it",
        "point the variable that names that folder below its cache folder",
    ),
]


def diagnose(lines: List[str]) -> Dict[str, Any] | None:
    """Return cause, remedy and lines of the earliest known failure in a log."""
    for number, line in enumerate(lines):
        for pattern, cause, remedy in KNOWN:
            if re.search(pattern, line, re.IGNORECASE):
                around = lines[max(0, number - 1) : number + 2]
                return {"cause": cause, "remedy": remedy, "lines": around}
    return None


def evidence(lines: List[str]) -> List[str]:
    """Return what a log says of why a server failed, for people."""
    known = diagnose(lines)
    if not known:
        return ["its last lines were:", *[line for line in lines if line.strip()][-_SHOWN_LINES:]]
    return [
        "cause: " + known["cause"],
        "remedy: " + known["remedy"],
        *("log: " + line.strip() for line in known["lines"]),
    ]
