"""What AISBench 3.1 left of runs against vLLM 0.32 that served the canary on a CPU, as numbers."""

import json
import shutil
from pathlib import Path

import aisbench_results
import pytest

SAMPLES = Path(__file__).with_name("samples") / "aisbench"
CRASH = """\
[2026-11-26 18:37:58,980] [ais_bench] [\x1b[32mINFO\x1b[0m] Task [vllm-api-general-chat/textvqa]
Traceback (most recent call last):
  File "/opt/venv/lib/python3.11/site-packages/PIL/Image.py", line 3505, in open
PIL.UnidentifiedImageError: cannot identify image file '/srv/textvqa/train_images/0.jpg'
ValueError: Please check your dataset!
[2026-11-26 18:37:59,116] [ais_bench] [\x1b[33mWARNING\x1b[0m] Task state is error, exit loop
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder for a run that is like a sample but for something."""
    return tmp_path / "outputs"


def _changed(folder: Path, sample: str, pattern: str, old: str, new: str) -> str:
    shutil.copytree(SAMPLES / sample, folder)
    (path,) = folder.glob(f"*/{pattern}")
    content = path.read_bytes().decode()
    assert old in content
    path.write_bytes(content.replace(old, new).encode())
    return str(path)


def test_accuracy() -> None:
    assert aisbench_results.accuracy(str(SAMPLES / "accuracy")) == {
        "accuracy": 100.0, "questions": 10, "failed": 0, "why": "",
    }  # fmt: skip


def test_performance() -> None:
    found = aisbench_results.performance(str(SAMPLES / "performance"))
    measures = found.pop("measures")
    assert found == {
        "took_ms": 599.5762,
        "requests": 10.0,
        "failed": 0.0,
        "concurrency": 1.9438,
        "at_once": 2.0,
        "requests_per_s": 16.6784,
        "input_tokens_per_s": 763.8728,
        "tokens_per_s": 266.8551,
        "all_tokens_per_s": 1030.728,
        "why": "",
    }
    assert measures["first_token_ms"] == {
        "average": 45.3, "min": 25.2, "max": 98.3, "median": 33.6,
        "p75": 38.7, "p90": 96.9, "p99": 98.2,
    }  # fmt: skip
    assert {name: row["p99"] for name, row in measures.items()} == {
        "answer_ms": 141.5,
        "first_token_ms": 98.2,
        "per_token_ms": 7.2,
        "between_tokens_ms": 40.7,
        "input_tokens": 50.0,
        "output_tokens": 16.0,
        "answer_tokens_per_s": 164.6933,
    }


def test_lines_of_the_table_end_as_on_windows() -> None:
    (path,) = (SAMPLES / "performance").glob("*/performances/*/*.csv")
    assert path.read_bytes().count(b"\r\n") == 8


def test_key_that_was_refused() -> None:
    """AISBench ended with 0 all the same, and wrote a summary of dashes."""
    refused = str(SAMPLES / "refused")
    with pytest.raises(aisbench_results.ResultError) as caught:
        aisbench_results.accuracy(refused)
    assert str(caught.value) == "it left 0 files results/*/*.json, one is right"
    assert aisbench_results.failures(refused) == (10, "Unauthorized")


def test_some_requests_that_failed(folder: Path) -> None:
    shutil.copytree(SAMPLES / "accuracy", folder)
    (answers,) = folder.glob("*/predictions/*/textvqa.jsonl")
    lines = answers.read_text().splitlines(keepends=True)
    answers.write_text("".join(lines[:8]))
    failed = {"data_abbr": "textvqa", "id": 8, "error_info": "Service Unavailable"}
    answers.with_name("textvqa_failed.jsonl").write_text(json.dumps(failed) + "\n")
    found = aisbench_results.accuracy(str(folder))
    assert (found["questions"], found["failed"], found["why"]) == (8, 1, "Service Unavailable")


def test_error_instead_of_an_accuracy(folder: Path) -> None:
    old, new = '"accuracy": 100.0', '"error": "predictions and references have different length"'
    path = _changed(folder, "accuracy", "results/*/*.json", old, new)
    with pytest.raises(aisbench_results.ResultError) as caught:
        aisbench_results.accuracy(str(folder))
    said = "predictions and references have different length"
    assert str(caught.value) == f"{path} holds no accuracy: {said}"


@pytest.mark.parametrize(
    ("pattern", "old", "new", "message"),
    [
        ("json", "599.5762 ms", "0.6 s", "Benchmark Duration: '0.6 s' is no number in ms"),
        ("json", "Failed Requests", "Failed", " has no Failed Requests"),
        ("json", "{", "", " is no JSON"),
        ("csv", "98.2 ms", "n/a", "first_token_ms: 'n/a' is no number in ms"),
        ("csv", "TTFT", "TTFS", " has no TTFT"),
    ],
)
def test_results_of_another_shape(
    folder: Path, pattern: str, old: str, new: str, message: str
) -> None:
    path = _changed(folder, "performance", f"performances/*/*.{pattern}", old, new)
    with pytest.raises(aisbench_results.ResultError) as caught:
        aisbench_results.performance(str(folder))
    assert str(caught.value) == f"{path}{message if message[0] == ' ' else ': ' + message}"


def test_answers_of_one_token(folder: Path) -> None:
    """There is no further token, and no row of it."""
    path = Path(_changed(folder, "performance", "performances/*/*.csv", "TPOT", "TPOT"))
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(line for line in lines if line[:4] not in (b"TPOT", b"ITL,")))
    measures = aisbench_results.performance(str(folder))["measures"]
    assert {"per_token_ms", "between_tokens_ms"}.isdisjoint(measures)
    assert measures["first_token_ms"]["p99"] == 98.2


def test_number() -> None:
    assert aisbench_results.number("12300.2 ms", "ms") == 12300.2
    assert aisbench_results.number(8, "") == 8.0
    for text in ("8 ms", "", "nan"):
        with pytest.raises(ValueError, match=f"{text!r} is no number"):
            aisbench_results.number(text, "")


def test_last_words_of_a_crash(folder: Path) -> None:
    log = folder / "20261126_183844/logs/infer/vllm-api-general-chat/textvqa.out"
    log.parent.mkdir(parents=True)
    log.write_text(CRASH)
    said = aisbench_results.last_words(str(folder))
    assert said.splitlines() == [
        "PIL.UnidentifiedImageError: cannot identify image file '/srv/textvqa/train_images/0.jpg'",
        "ValueError: Please check your dataset!",
    ]
    assert aisbench_results.last_words(str(SAMPLES / "refused")) == ""
