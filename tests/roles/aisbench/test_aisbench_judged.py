"""Reports against thresholds: every reason that refuses, with both numbers."""

from typing import Any

import pytest

from roles import aisbench
from roles.spec import Benchmark

ACCURACY = {
    "kind": "accuracy", "accuracy": 79.5, "questions": 98, "failed": 2, "of": 100, "why": "busy",
}  # fmt: skip
PERFORMANCE = {
    "kind": "performance", "failed": 0.0, "of": 32, "why": "", "tokens_per_s": 266.8551,
    "measures": {"first_token_ms": {"p99": 98.2}, "per_token_ms": {"p99": 7.2}},
}  # fmt: skip


@pytest.mark.parametrize(
    ("report", "wanted", "reasons"),
    [
        (PERFORMANCE, {}, []),
        (ACCURACY, {"failed_at_most": 2}, []),
        (
            ACCURACY,
            {},
            ["2 of 100 requests failed, should be 0 at most, the first because of: busy"],
        ),
        (
            ACCURACY,
            {"accuracy_at_least": 80, "failed_at_most": 2},
            ["accuracy of 100 is 79.5, should be 80 at least"],
        ),
        (ACCURACY, {"accuracy_at_least": 79.5, "failed_at_most": 2}, []),
        # Of the other kind.
        (ACCURACY, {"tokens_per_s_at_least": 1000, "failed_at_most": 2}, []),
        (PERFORMANCE, {"accuracy_at_least": 100}, []),
        (
            PERFORMANCE,
            {
                "first_token_p99_ms_at_most": 50,
                "per_token_p99_ms_at_most": 7.1,
                "tokens_per_s_at_least": 300,
            },
            [
                "the first token's P99 in ms is 98.2, should be 50 at most",
                "a further token's P99 in ms is 7.2, should be 7.1 at most",
                "tokens a second is 266.855, should be 300 at least",
            ],
        ),
        (
            PERFORMANCE | {"measures": {"first_token_ms": {"p99": 98.2}}},
            {"per_token_p99_ms_at_most": 7.1},
            ["every answer was one token, should be longer to judge further tokens"],
        ),
    ],
)
def test_refusals(report: dict[str, Any], wanted: dict[str, Any], reasons: list[str]) -> None:
    assert aisbench.refusals(report, Benchmark(**wanted)) == reasons
