"""
What engines say of themselves while they serve: names of metrics, and pages that tell health.

Pure functions of engine and version. The names are those of the engines' own ``loggers.py``, read
in the wheels of vLLM 0.11.0, 0.13.0, 0.18.0, 0.18.1, 0.20.2, 0.23.0, 0.26.0 and 0.33.0 and of
LMDeploy 0.12.3 and 0.18.0; vLLM 0.13.0, 0.27.1 and 0.32.0 said them themselves. What was before
0.11.0 is in the comments of vLLM 0.11.0 alone. MindIE's are those of MindIE-LLM's
``prometheus_metrics.cpp`` of 2025 and 2026, which MindIE-PyServer's had before; they were not seen
on a host.
"""

from typing import TypedDict, assert_never

from roles import versions
from roles.spec import Engine


class Metrics(TypedDict):
    """
    Names of samples of ``/metrics``, one a meaning; counters and histograms as they are written
    out, a histogram without ``_bucket``, ``_sum`` and ``_count``.

    :param finished: ended requests by the label ``finished_reason``; what clients gave up is
        ``abort`` there, and ``ResponseType.CANCEL`` with LMDeploy; MindIE does not tell them apart
    :param refreshed_every_s: how old ``running``, ``waiting`` and ``kv_usage`` may be
    """

    running: str
    waiting: str
    kv_usage: str
    first_token_s: str
    between_tokens_s: str
    preemptions: str | None
    finished: str | None
    refreshed_every_s: float


def metric_names(engine: Engine, version: str) -> Metrics | None:
    """Return an engine's metrics, ``None`` when it has none that are known."""
    match engine:
        case Engine.VLLM | Engine.VLLM_ASCEND:
            return _vllm(version)
        case Engine.LMDEPLOY:
            return _LMDEPLOY
        case Engine.MINDIE:
            return _MINDIE
        case Engine.OLLAMA:
            return None
        case _:
            assert_never(engine)


def health_page(engine: Engine, version: str) -> str | None:
    """Return the page that answers 503 when the engine failed, ``None`` when none tells it."""
    match engine:
        case Engine.VLLM | Engine.VLLM_ASCEND:
            return "/health"
        case Engine.LMDEPLOY:
            # Before, it answered 200 whatever had happened to the engine.
            return None if versions.older(version, "0.14.0") else "/health"
        case Engine.MINDIE:
            # Of its management plane.
            return "/v2/health/ready"
        case Engine.OLLAMA:
            return None
        case _:
            assert_never(engine)


def _vllm(version: str) -> Metrics:
    usage_renamed = not versions.older(version, "0.9.2")
    latency_renamed = not versions.older(version, "0.11.0")
    return {
        "running": "vllm:num_requests_running",
        # vllm:num_requests_waiting_by_reason (0.20 and newer) counts the same ones again.
        "waiting": "vllm:num_requests_waiting",
        "kv_usage": "vllm:kv_cache_usage_perc" if usage_renamed else "vllm:gpu_cache_usage_perc",
        "first_token_s": "vllm:time_to_first_token_seconds",
        "between_tokens_s": (
            "vllm:inter_token_latency_seconds"
            if latency_renamed
            else "vllm:time_per_output_token_seconds"
        ),
        "preemptions": "vllm:num_preemptions_total",
        "finished": "vllm:request_success_total",
        "refreshed_every_s": 0,
    }


_LMDEPLOY: Metrics = {
    "running": "lmdeploy:num_requests_running",
    "waiting": "lmdeploy:num_requests_waiting",
    "kv_usage": "lmdeploy:gpu_cache_usage_perc",
    "first_token_s": "lmdeploy:time_to_first_token_seconds",
    "between_tokens_s": "lmdeploy:iter_token_latency",
    "preemptions": None,
    "finished": "lmdeploy:request_success_total",
    "refreshed_every_s": 10,
}

# Requests that were swapped out are none of these two; none are unless maxPreemptCount says so.
_MINDIE: Metrics = {
    "running": "num_requests_running",
    "waiting": "num_requests_waiting",
    "kv_usage": "npu_cache_usage_perc",
    "first_token_s": "time_to_first_token_seconds",
    "between_tokens_s": "time_per_output_token_seconds",
    "preemptions": "num_preemptions_total",
    "finished": None,
    # It collects them once a second.
    "refreshed_every_s": 2,
}
