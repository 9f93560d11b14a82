"""Versions as their makers spell them, put in order."""

import re
from itertools import takewhile

# What comes before a release in the order in which it does, whatever else has letters, the release
# itself, what comes after it, a number behind either.
_BEFORE = {"dev": 0, "t": 1, "a": 2, "alpha": 2, "b": 3, "beta": 3, "rc": 4}
_OTHER, _RELEASE, _AFTER, _NEXT = range(5, 9)

Key = tuple[tuple[int, ...], tuple[tuple[int, int], ...]]


def key(version: str) -> Key:
    """
    Sort ``8.2.beta.1`` < ``8.2.RC1`` < ``8.2`` == ``8.2.0`` < ``8.2.post1`` < ``8.2.1``, whatever
    is after +.
    """
    parts = re.findall(r"[a-z]+|\d+", version.partition("+")[0].lower())
    release = [int(part) for part in takewhile(str.isdecimal, parts)]
    marks, rank = [], _NEXT
    for part in parts[len(release) :]:
        if part.isdecimal():
            marks.append((rank, int(part)))
            rank = _NEXT
        else:
            rank = _AFTER if part == "post" else _BEFORE.get(part, _OTHER)
    while release and release[-1] == 0:
        release.pop()
    return tuple(release), (*marks, (_RELEASE, 0))


def older(version: str, than: str) -> bool:
    """Say whether a version comes before another."""
    return key(version) < key(than)


def begins(version: str, with_: str) -> bool:
    """Say whether ``with_`` stands for the version: the same, or fewer of its numbers."""
    parts, first = re.split(r"[.+-]", version.lower()), re.split(r"[.+-]", with_.lower())
    return parts[: len(first)] == first


def between(version: str, low: str, high: str) -> bool:
    """
    Say whether a version is in a range of Huawei's ``version.info``, both ends included and as
    many numbers looked at as each end has: ``24.1.rc3`` is in 24.1 to ``24.1.``.
    """
    numbers = _numbers(version)
    first, last = _numbers(low), _numbers(high)
    return first <= numbers[: len(first)] and numbers[: len(last)] <= last


def minor(version: str) -> str:
    """Return the first two numbers: ``13.0.96`` is of 13.0."""
    return ".".join(version.split(".")[:2])


def major(version: str) -> int:
    """Return the first number."""
    return int(version.split(".")[0])


def _numbers(version: str) -> list[int]:
    parts = [part for part in version.split(".") if part]
    return [int(part) for part in takewhile(str.isdecimal, parts)]
