"""
The page of numbers.

The names are those of ``prometheus_metrics.cpp``; those of which this server has none are 0.
"""

from __future__ import annotations

import threading

_COUNTERS = {
    "request_received_total": "Count of received requests.",
    "request_success_total": "Count of successfully processed requests.",
    "request_failed_total": "Count of failed requests.",
    "prompt_tokens_total": "Number of prefill tokens processed.",
    "generation_tokens_total": "Number of generation tokens processed.",
    "num_preemptions_total": "Cumulative number of preemption from the engine.",
}
_GAUGES = {
    "num_requests_running": "Number of requests currently running on NPU.",
    "num_requests_waiting": "Number of requests waiting to be processed.",
    "num_requests_swapped": "Number of requests swapped to CPU.",
    "avg_prompt_throughput_toks_per_s": "Average prefill throughput in tokens/s.",
    "avg_generation_throughput_toks_per_s": "Average generation throughput in tokens/s.",
    "failed_request_perc": "Requests failure rate. 1 means 100 percent usage.",
    "npu_cache_usage_perc": "NPU KV-cache usage. 1 means 100 percent usage.",
    "cpu_cache_usage_perc": "CPU KV-cache usage. 1 means 100 percent usage.",
    "npu_prefix_cache_hit_rate": "NPU prefix cache block hit rate.",
}
_HISTOGRAMS = {
    "time_to_first_token_seconds": "Histogram of time to first token in seconds.",
    "time_per_output_token_seconds": "Histogram of time per output token in seconds.",
    "e2e_request_latency_seconds": "Histogram of end to end request latency in seconds.",
    "request_prompt_tokens": "Number of prefill tokens processed.",
    "request_generation_tokens": "Number of generation tokens processed.",
}


class Numbers:
    """What was counted since the start."""

    def __init__(self) -> None:
        self._changed = threading.Lock()
        self._counts = dict.fromkeys(_COUNTERS, 0)

    def count(self, name: str, by: int = 1) -> None:
        """Count something."""
        with self._changed:
            self._counts[name] += by

    def page(self, model: str, running: int, waiting: int) -> str:
        """All of it, as Prometheus reads it."""
        with self._changed:
            counts = dict(self._counts)
        gauges = dict.fromkeys(_GAUGES, 0.0)
        gauges |= {"num_requests_running": running, "num_requests_waiting": waiting}
        received = counts["request_received_total"]
        gauges["failed_request_perc"] = counts["request_failed_total"] / received if received else 0
        label, lines = f'model_name="{model}"', []
        for kind, values, texts in (
            ("counter", counts, _COUNTERS),
            ("gauge", gauges, _GAUGES),
        ):
            for name, value in values.items():
                lines += [f"# HELP {name} {texts[name]}", f"# TYPE {name} {kind}"]
                lines.append(f"{name}{{{label}}} {value:g}")
        done = counts["request_success_total"]
        for name, text in _HISTOGRAMS.items():
            lines += [f"# HELP {name} {text}", f"# TYPE {name} histogram"]
            lines.append(f'{name}_bucket{{{label},le="+Inf"}} {done}')
            lines += [f"{name}_sum{{{label}}} 0", f"{name}_count{{{label}}} {done}"]
        return "\n".join(lines) + "\n"
