"""What an instance is measured by, and what it has to reach."""

from pydantic import Field

from roles.spec.base import RemotePath, Spec


class Benchmark(Spec):
    """
    How AISBench measures an instance, and what refuses it. Nothing of it is part of a release.

    :param questions: a folder on the host with TextVQA; the instance's own image questions unless
        given
    :param prompts: a folder on the host with a ``mm_custom.jsonl`` of what is sent to measure how
        fast it is; the instance's own image questions unless given
    :param requests: that are sent to measure how fast it is
    :param at_once: requests in flight
    :param max_tokens: of an answer; measuring how fast it is, of every answer
    :param within_s: seconds after which a run is given up
    :param accuracy_at_least: of 100
    :param failed_at_most: requests that get no answer
    :param first_token_p99_ms_at_most: from the request to the first token, for 99 of 100
    :param per_token_p99_ms_at_most: a token after the first, for 99 of 100
    :param tokens_per_s_at_least: of all answers together
    """

    questions: RemotePath | None = None
    prompts: RemotePath | None = None
    requests: int = Field(default=32, ge=1, le=100_000)
    at_once: int = Field(default=4, ge=1, le=10_000)
    max_tokens: int = Field(default=128, ge=1, le=32_768)
    within_s: int = Field(default=4 * 3600, ge=60, le=7 * 24 * 3600)
    accuracy_at_least: float | None = Field(default=None, ge=0, le=100)
    failed_at_most: int = Field(default=0, ge=0)
    first_token_p99_ms_at_most: float | None = Field(default=None, gt=0)
    per_token_p99_ms_at_most: float | None = Field(default=None, gt=0)
    tokens_per_s_at_least: float | None = Field(default=None, gt=0)
