"""Metrics are read as they are written, and nothing else is taken for one."""

import math
from pathlib import Path

import exposition
import pytest

# Written by the real prometheus_client, with the names and labels of the engines' own loggers.
FOLDER = Path(__file__).parent / "samples/metrics"


def _values(text: str, name: str) -> list[float]:
    return [sample.value for sample in exposition.of(exposition.parse(text), name)]


def test_every_label_set_is_a_sample() -> None:
    samples = exposition.parse((FOLDER / "vllm.txt").read_text())
    assert exposition.of(samples, "vllm:num_requests_waiting") == [
        ("vllm:num_requests_waiting", {"engine": "0", "model_name": "canary"}, 1.0),
        ("vllm:num_requests_waiting", {"engine": "1", "model_name": "canary"}, 4.0),
    ]


def test_name_that_another_begins_with_is_not_the_other() -> None:
    """Summed by how lines begin, vLLM since 0.20 would count what waits twice."""
    text = (FOLDER / "vllm.txt").read_text()
    assert sum(_values(text, "vllm:num_requests_waiting")) == 5
    assert sum(_values(text, "vllm:num_requests_waiting_by_reason")) == 5


def test_exponents_are_read() -> None:
    text = (FOLDER / "vllm.txt").read_text()
    assert _values(text, "vllm:prompt_tokens_total") == [1.5e6, 1.5e6]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        *[("0", 0.0), ("2.0", 2.0), ("2.", 2.0), (".5", 0.5), ("-1", -1.0), ("+1", 1.0)],
        *[("1e3", 1000.0), ("1.5E-3", 0.0015), ("+Inf", math.inf), ("-Inf", -math.inf)],
    ],
)
def test_numbers(written: str, value: float) -> None:
    assert exposition.parse(f"a {written}") == [("a", {}, value)]


def test_no_number() -> None:
    [sample] = exposition.parse("a NaN")
    assert math.isnan(sample.value)


@pytest.mark.parametrize(
    ("line", "labels"),
    [
        ("a 1", {}),
        ("a{} 1", {}),
        ('a{b="c"} 1', {"b": "c"}),
        ('a{b="c",} 1', {"b": "c"}),
        ('a{b="c",d=""} 1 1795703341000', {"b": "c", "d": ""}),
        (r'a{b="\"x\", d=\"y\"} 2\\\n"}' + "\t1", {"b": '"x", d="y"} 2\\\n'}),
        ('a{b="é…"} 1\r', {"b": "é…"}),
    ],
)
def test_labels(line: str, labels: dict[str, str]) -> None:
    assert exposition.parse(f"# HELP a b\n\n{line}\n# EOF") == [("a", labels, 1.0)]


@pytest.mark.parametrize(
    "line",
    [
        *[
            "<html>",
            "a",
            "a x",
            "a 1 2 3",
            "a 0x1",
            "a 1_0",
            "a 1,5",
            "1a 1",
            "a nan",
            "a infinity",
        ],
        *['a{b="c" 1', "a{b=c} 1", 'a{b="c"d="e"} 1', 'a{b="\\x"} 1', "a{,} 1", '{"error": 1}'],
        'a 1 # {trace_id="x"} 1',
    ],
)
def test_what_is_no_metric_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match=r"^line 2 is no metric: ") as caught:
        exposition.parse(f"b 1\n{line}\n")
    assert repr(line) in str(caught.value)


def test_name_that_is_not_there() -> None:
    with pytest.raises(LookupError, match=r"^there is no vllm:num_requests_running"):
        exposition.of(exposition.parse("vllm:num_requests_runs 7"), "vllm:num_requests_running")


def test_nothing_is_no_metric() -> None:
    assert exposition.parse("") == []
