"""Metrics as Prometheus' text format writes them (version 0.0.4)."""

from __future__ import annotations

import re
from typing import Dict, List, NamedTuple

_NAME = r"[A-Za-z_:][A-Za-z0-9_:]*"
_LABEL = r"[A-Za-z_][A-Za-z0-9_]*"
_TEXT = r'"(?:[^"\\]|\\["\\n])*"'
_LABELS = r"\{{(?:{0}={1}(?:,{0}={1})*,?)?\}}".format(_LABEL, _TEXT)
_VALUE = r"[+-]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?|Inf)|NaN"
_SAMPLE = re.compile(r"({})({})?[ \t]+({})(?:[ \t]+-?\d+)?".format(_NAME, _LABELS, _VALUE))
_PAIR = re.compile("({})=({})".format(_LABEL, _TEXT))
_ESCAPED = re.compile(r'\\(["\\n])')


class Sample(NamedTuple):
    """One value, and what tells it from others of its name."""

    name: str
    labels: Dict[str, str]
    value: float


def parse(text: str) -> List[Sample]:
    """
    Return every sample, in the order in which they stand.

    :raises ValueError: a line is neither a sample nor a comment
    """
    found = []
    for number, line in enumerate(text.split("\n"), start=1):
        line = line.strip(" \t\r")
        if not line or line.startswith("#"):
            continue
        match = _SAMPLE.fullmatch(line)
        if match is None:
            raise ValueError("line {} is no metric: {!r}".format(number, line[:80]))
        name, labels, value = match.groups()
        pairs = {label: _plain(text) for label, text in _PAIR.findall(labels or "")}
        found.append(Sample(name, pairs, float(value)))
    return found


def of(samples: List[Sample], name: str) -> List[Sample]:
    """
    Return the samples of one name, a label set each.

    :raises LookupError: there is none
    """
    found = [sample for sample in samples if sample.name == name]
    if not found:
        raise LookupError("there is no {}".format(name))
    return found


def _plain(quoted: str) -> str:
    return _ESCAPED.sub(lambda escaped: escaped.group(1).replace("n", "\n"), quoted[1:-1])
