"""
What AISBench left of a run, as plain numbers.

It ends with 0 whatever happened: a run that crashed, that nobody answered or whose key was refused
is told from the files alone. They are ``results/MODEL/DATASET.json`` for accuracy and
``performances/MODEL/DATASET.{csv,json}`` for performance (its documentation says
``performance/``), below a folder that is named by the time; a request that failed is a line of
``DATASET_failed.jsonl``. Values carry their unit (``12300.2 ms``), lines of the CSV end in CRLF.
Sources: AISBench/benchmark, ``tasks/openicl_eval.py``, ``summarizers/default_perf.py``,
``calculators/base_perf_metric_calculator.py``, and runs against vLLM 0.32.
"""

from __future__ import annotations

import csv
import glob
import json
import os
import re
from typing import Any, Dict, List, Tuple

STATISTICS = ("average", "min", "max", "median", "p75", "p90", "p99")
# By its name in the CSV; all that AISBench tells of time is in milliseconds.
_ROWS = {
    "E2EL": ("answer_ms", "ms"),
    "TTFT": ("first_token_ms", "ms"),
    "TPOT": ("per_token_ms", "ms"),
    "ITL": ("between_tokens_ms", "ms"),
    "InputTokens": ("input_tokens", ""),
    "OutputTokens": ("output_tokens", ""),
    "OutputTokenThroughput": ("answer_tokens_per_s", "token/s"),
}
# Answers of one token have no further one, and AISBench no row for it then.
_OPTIONAL = ("TPOT", "ITL")
_TOTALS = {
    "Benchmark Duration": ("took_ms", "ms"),
    "Total Requests": ("requests", ""),
    "Failed Requests": ("failed", ""),
    "Concurrency": ("concurrency", ""),
    "Max Concurrency": ("at_once", ""),
    "Request Throughput": ("requests_per_s", "req/s"),
    "Input Token Throughput": ("input_tokens_per_s", "token/s"),
    "Output Token Throughput": ("tokens_per_s", "token/s"),
    "Total Token Throughput": ("all_tokens_per_s", "token/s"),
}


class ResultError(Exception):
    """There is no result, or none that can be read; the message says which file."""


def accuracy(folder: str) -> Dict[str, Any]:
    """
    Return ``{"accuracy", "questions", "failed", "why"}`` of a run.

    :raises ResultError: there is none
    """
    failed, why = failures(folder)
    answered = sum(_lines(path) for path in _found(folder, "predictions/*/*.jsonl"))
    path = _only(folder, "results/*/*.json")
    read = _json(path)
    if not isinstance(read, dict) or not isinstance(read.get("accuracy"), (int, float)):
        said = str(read.get("error") if isinstance(read, dict) else read)[:300]
        raise ResultError("{} holds no accuracy: {}".format(path, said))
    return {
        "accuracy": float(read["accuracy"]),
        "questions": answered,
        "failed": failed,
        "why": why,
    }


def performance(folder: str) -> Dict[str, Any]:
    """
    Return totals of a run, and of each measure its average, extremes and percentiles; of
    further tokens only if an answer had some.

    :raises ResultError: there are none
    """
    _, why = failures(folder)
    totals = _totals(_only(folder, "performances/*/*.json"))
    measures = _measures(_only(folder, "performances/*/*.csv"))
    return dict(totals, why=why, measures=measures)


def failures(folder: str) -> Tuple[int, str]:
    """Return how many requests failed, and why the first did."""
    paths = _found(folder, "predictions/*/*_failed.jsonl")
    paths += _found(folder, "performances/*/*_failed.jsonl")
    count, why = 0, ""
    for path in paths:
        count += _lines(path)
        with open(path, encoding="utf-8") as file:
            first = file.readline()
        try:
            why = why or str(json.loads(first).get("error_info") or "")
        except (ValueError, AttributeError):
            why = why or "{} cannot be read".format(path)
    return count, why


def number(text: Any, unit: str) -> float:
    """
    Return a value without its unit.

    :raises ValueError: it has another unit, or is none
    """
    found = re.fullmatch(r"(-?\d+(?:\.\d+)?)(?: (\S+))?", str(text).strip())
    if not found or (found[2] or "") != unit:
        raise ValueError("{!r} is no number{}".format(text, " in " + unit if unit else ""))
    return float(found[1])


def _totals(path: str) -> Dict[str, Any]:
    read = _json(path)
    found = {}
    for name, (key, unit) in _TOTALS.items():
        try:
            found[key] = number(read[name]["total"], unit)
        except (KeyError, TypeError):
            raise ResultError("{} has no {}".format(path, name)) from None
        except ValueError as error:
            raise ResultError("{}: {}: {}".format(path, name, error)) from None
    return found


def _measures(path: str) -> Dict[str, Dict[str, float]]:
    with open(path, encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    found = {}
    for row in rows:
        if row["Performance Parameters"] not in _ROWS or row["Stage"] != "total":
            continue
        key, unit = _ROWS[row["Performance Parameters"]]
        try:
            found[key] = {name: number(row[_column(name)], unit) for name in STATISTICS}
        except (KeyError, ValueError) as error:
            raise ResultError("{}: {}: {}".format(path, key, error)) from None
    missing = [
        name for name, (key, _) in _ROWS.items() if key not in found and name not in _OPTIONAL
    ]
    if missing:
        raise ResultError("{} has no {}".format(path, ", ".join(missing)))
    return found


def _column(name: str) -> str:
    return name.capitalize() if name[0] != "p" else name.upper()


def _only(folder: str, pattern: str) -> str:
    paths = _found(folder, pattern)
    if len(paths) == 1:
        return paths[0]
    raise ResultError("it left {} files {}, one is right".format(len(paths), pattern))


def _found(folder: str, pattern: str) -> List[str]:
    paths = glob.glob("{}/*/{}".format(glob.escape(folder), pattern))
    if pattern.endswith("_failed.jsonl"):
        return sorted(paths)
    return sorted(path for path in paths if not path.endswith("_failed.jsonl"))


def _lines(path: str) -> int:
    with open(path, "rb") as file:
        return sum(1 for line in file if line.strip())


def _json(path: str) -> Any:
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except ValueError:
        raise ResultError("{} is no JSON".format(path)) from None


def last_words(folder: str, lines: int = 3) -> str:
    """Return the end of what a task logged, where a crash is told; empty when none did."""
    words: List[str] = []
    for path in sorted(_found(folder, "logs/*/*/*.out"), key=os.path.getmtime):
        with open(path, encoding="utf-8", errors="replace") as file:
            told = re.sub(r"\x1b\[[0-9;]*m", "", file.read()).splitlines()
        errors = [line for line in told if re.match(r"[\w.]*(Error|Exception)\b", line)]
        words = errors[-lines:] or words
    return "\n".join(words)
