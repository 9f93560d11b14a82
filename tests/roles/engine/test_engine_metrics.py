"""Metrics and health pages of each engine, as its version spells them."""

import pytest

from roles import engine
from roles.spec import Engine

VLLM = {
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "kv_usage": "vllm:kv_cache_usage_perc",
    "first_token_s": "vllm:time_to_first_token_seconds",
    "between_tokens_s": "vllm:inter_token_latency_seconds",
    "preemptions": "vllm:num_preemptions_total",
    "finished": "vllm:request_success_total",
    "refreshed_every_s": 0,
}


@pytest.mark.parametrize("version", ["0.11.0", "0.13.0", "0.18.1", "0.20.2", "0.26.0", "0.33.0"])
@pytest.mark.parametrize("kind", [Engine.VLLM, Engine.VLLM_ASCEND])
def test_vllm(kind: Engine, version: str) -> None:
    assert engine.metric_names(kind, version) == VLLM
    assert engine.health_page(kind, version) == "/health"


@pytest.mark.parametrize(
    ("version", "kv_usage", "between_tokens_s"),
    [
        ("0.9.1", "vllm:gpu_cache_usage_perc", "vllm:time_per_output_token_seconds"),
        ("0.9.2", "vllm:kv_cache_usage_perc", "vllm:time_per_output_token_seconds"),
        ("0.10.2", "vllm:kv_cache_usage_perc", "vllm:time_per_output_token_seconds"),
    ],
)
def test_vllm_before_what_was_renamed(version: str, kv_usage: str, between_tokens_s: str) -> None:
    assert engine.metric_names(Engine.VLLM_ASCEND, version) == {
        **VLLM,
        "kv_usage": kv_usage,
        "between_tokens_s": between_tokens_s,
    }


@pytest.mark.parametrize("version", ["0.12.3", "0.18.0"])
def test_lmdeploy(version: str) -> None:
    assert engine.metric_names(Engine.LMDEPLOY, version) == {
        "running": "lmdeploy:num_requests_running",
        "waiting": "lmdeploy:num_requests_waiting",
        "kv_usage": "lmdeploy:gpu_cache_usage_perc",
        "first_token_s": "lmdeploy:time_to_first_token_seconds",
        "between_tokens_s": "lmdeploy:iter_token_latency",
        "preemptions": None,
        "finished": "lmdeploy:request_success_total",
        "refreshed_every_s": 10,
    }


@pytest.mark.parametrize(
    ("version", "page"), [("0.12.3", None), ("0.13.0", None), ("0.14.0", "/health")]
)
def test_health_of_lmdeploy_that_tells_nothing_is_not_asked(version: str, page: str | None) -> None:
    assert engine.health_page(Engine.LMDEPLOY, version) == page


@pytest.mark.parametrize("version", ["2.3.0", "3.0.0"])
def test_mindie(version: str) -> None:
    """By names without a prefix, and answers that ended well are not told apart."""
    assert engine.metric_names(Engine.MINDIE, version) == {
        "running": "num_requests_running",
        "waiting": "num_requests_waiting",
        "kv_usage": "npu_cache_usage_perc",
        "first_token_s": "time_to_first_token_seconds",
        "between_tokens_s": "time_per_output_token_seconds",
        "preemptions": "num_preemptions_total",
        "finished": None,
        "refreshed_every_s": 2,
    }
    assert engine.health_page(Engine.MINDIE, version) == "/v2/health/ready"
