"""Known failures of memory: a device's, the host's, and what processes share."""

from __future__ import annotations

from known import HINT, LMDEPLOY, OLLAMA, PYTHON, VLLM, Known

_DEVICE_FULL = "weights and activations exceed the device's memory"
_NO_CACHE = "nothing is left for the key-value cache"

ROWS = (
    Known(
        says=("NPU out of memory",),
        cause=_DEVICE_FULL,
        remedy="lower max_model_len, max_num_seqs or images, or use more devices",
        source="torch_npu; MindIE FAQ",
        engines=("vllm-ascend",),
    ),
    Known(
        says=("torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "CUDA out of memory"),
        cause=_DEVICE_FULL,
        remedy="lower max_model_len, max_num_seqs or images, or use more devices; raising "
        "gpu_memory_utilization makes it worse",
        source="vLLM source",
        engines=("vllm",),
    ),
    Known(
        says=(
            *("torch.OutOfMemoryError", "torch.cuda.OutOfMemoryError", "CUDA out of memory"),
            "CUDA runtime error: out of memory",
        ),
        cause=_DEVICE_FULL,
        remedy="lower session_len, max_batch_size or cache_max_entry_count, or use more devices",
        source="lmdeploy#978, lmdeploy#3971",
        engines=LMDEPLOY,
    ),
    Known(
        says=("model requires more system memory (…) than is available (",),
        cause="the model exceeds the memory of device and host together",
        remedy="use a smaller model or context, or stop what else holds memory",
        source="ollama#10920",
        engines=OLLAMA,
    ),
    Known(
        says=("Free memory on device … is less than desired GPU memory utilization",),
        cause="another process holds device memory",
        remedy="stop its owner, which nvidia-smi names, or lower gpu_memory_utilization",
        source="vllm#20305, vllm#25837",
        engines=VLLM,
    ),
    Known(
        says=("No available memory for the cache blocks",),
        cause=_NO_CACHE,
        remedy="raise gpu_memory_utilization (kv_cache_gib on a CPU) or use a smaller model",
        source="vllm#18124, vLLM source",
        engines=VLLM,
    ),
    Known(
        says=("larger than the available KV cache memory",),
        cause="the context is longer than the key-value cache",
        remedy="lower max_model_len to the length that the log names",
        source="vllm#34076, vllm#26612",
        engines=VLLM,
    ),
    Known(
        says=("No enough gpu memory for ",),
        cause=_NO_CACHE,
        remedy="lower session_len or max_batch_size, stop what else holds the device's memory, or "
        "use more devices",
        source="LMDeploy source",
        engines=LMDEPLOY,
    ),
    Known(
        says=("Insufficient space in /dev/shm for … required",),
        cause="what the server's processes share does not fit into /dev/shm",
        remedy="make /dev/shm larger (df -h /dev/shm), or remove what dead servers left there",
        source="vLLM source (0.27 and newer)",
        engines=VLLM,
    ),
    Known(
        says=("ibv_reg_mr…Cannot allocate", "cudaHostAlloc…failed", "RLIMIT_MEMLOCK"),
        cause="the server may not lock as much memory as RDMA or pinned buffers need",
        remedy="look what lowers LimitMEMLOCK, which our units set to infinity: systemctl cat UNIT",
        source="not verified on a host",
        engines=PYTHON,
    ),
    Known(
        says=(
            "Error while creating shared memory segment",
            *("NCCL…unhandled system error", "ncclSystemError"),
        ),
        cause="NCCL could not share memory or reach its peers",
        remedy="make /dev/shm larger (df -h /dev/shm), or remove what dead servers left there; "
        "NCCL_DEBUG=INFO in environment tells more",
        source="vllm#1710, vllm#4383, MiniMax-01#42",
        engines=PYTHON,
    ),
    Known(
        says=("A process of this unit has been killed by the OOM killer",),
        cause="the host ran out of memory, and the kernel killed the server for it",
        remedy="stop what else holds memory, or give the server less to hold (kv_cache_gib on a "
        "CPU, a smaller model)",
        source="systemd",
    ),
    Known(
        says=("Out of memory: Killed process", "Memory cgroup out of memory: Killed process"),
        cause="the host ran out of memory, and the kernel killed a process, maybe the server's",
        remedy="stop what else holds memory, or give the server less to hold (kv_cache_gib on a "
        "CPU, a smaller model)",
        source="Linux, kernel log",
        weight=HINT,
    ),
)
