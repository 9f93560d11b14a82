"""Words of a server's command line, as its engine's pinned version would take them."""

import dataclasses
import difflib
import functools
import itertools
import json
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.spec.base import Fault

# Made by ``python -m roles.engine.parser`` from the engines' own parsers; ``instead.json`` is ours.
TABLES = Path(__file__).with_name("parsers")

# What argparse takes for a value although it begins with a dash; what vLLM takes for -O 3.
_NUMBER = re.compile(r"-\d+|-\d*\.\d+|-")
_LEVEL = re.compile(r"-O=?\d")
_SIZE = re.compile(r"-?\d+|\d+(\.\d+)?[kmgt]|\d+[KMGT]")

# The plugin starts vLLM of its own version, and adds one choice to its parser before that reads a
# word (``NPUPlatform.pre_register_and_update``).
_PLUGINS = {"vllm-ascend": ("vllm", "--quantization", "ascend")}

_TAKES: dict[str, tuple[str, Callable[[str], object]]] = {
    "integer": ("a whole number", int),
    "number": ("a number", float),
    "json": ("JSON", json.loads),
    "size": ("a whole number, or one such as 8k", lambda word: _sized(word)),
    "size or auto": (
        "a whole number, one such as 8k, or auto",
        lambda word: word == "auto" or _sized(word),
    ),
}


@dataclass(frozen=True)
class Parser:
    """
    What one version of an engine takes.

    :param flags: each option, and what it takes; see ``roles/engine/parser/dump.py``
    :param aliases: other spellings of options
    """

    engine: str
    version: str
    flags: dict[str, str | list[str]]
    aliases: dict[str, str]

    def named(self, word: str) -> tuple[str, str, str | None]:
        """Return a word as name, part of it behind a dot, and value behind ``=``."""
        name, equals, value = word.partition("=")
        name, _, part = name.partition(".")
        if name.startswith("--"):
            name = name.replace("_", "-")
        # Newer versions of vLLM take -O before their parser sees it.
        known = "--optimization-level" if name == "-O" and not part else name
        return self.aliases.get(name, known), part, value if equals else None

    def given(self, words: Sequence[str]) -> dict[str, str]:
        """Return the value of each option of words that are right, by its name and part."""
        found: dict[str, str] = {}
        said = ""
        for word in words:
            if said and self._is_value(word):
                found[said] = f"{found[said]} {word}".strip()
                continue
            flag, part, value = self.named(word)
            said = f"{flag}.{part}" if part else flag
            found[said] = value or ""
        return found

    def refusals(self, words: Sequence[str]) -> Iterator[Fault]:
        """
        What its server would not start with, or would not do as it is written.

        A value is shown only where it cannot be a secret: where it should be one of a few, or a
        number.
        """
        given: dict[str, str] = {}
        rest = list(words)
        while rest:
            word = rest.pop(0)
            if self._is_value(word):
                behind = f"behind {list(given.values())[-1]}" if given else "at the beginning"
                wrong = f"a word {behind} belongs to no option"
                yield _fault(wrong, "put it behind the option that it is for")
                continue
            if _LEVEL.fullmatch(word):
                continue
            flag, part, value = self.named(word)
            values = list(itertools.takewhile(self._is_value, rest))
            if flag not in self.flags:
                del rest[: len(values)]
                yield self._unknown(flag)
                continue
            row = self.flags[flag]
            fits = _fitting(row) if value is None else 0
            del rest[: min(len(values), fits)]
            values = values[:fits] if value is None else [value]
            said, spelled = f"{flag}.{part}" if part else flag, word.partition("=")[0]
            if said in given and not str(row).endswith("&"):
                also = "" if given[said] == spelled else f", as {given[said]} and as {spelled}"
                yield _fault(f"{said} is given twice{also}", "give it once, only the last counts")
            given[said] = spelled
            if not part:
                yield from _judged(flag, row, values, joined=value is not None)

    def _is_value(self, word: str) -> bool:
        """Say whether argparse takes a word for a value."""
        if not word.startswith("-") or _NUMBER.fullmatch(word):
            return True
        return " " in word and self.named(word)[0] not in self.flags

    def _unknown(self, flag: str) -> Fault:
        engine = f"{self.engine} {self.version}"
        long = [known for known in (*self.flags, *self.aliases) if known.startswith(flag)]
        if flag in _instead(self.engine):
            right = _instead(self.engine)[flag]
        elif len(flag) > 2 and len(long) == 1:
            return _fault(f"{flag} is short for {long[0]}", "write it out, versions differ in it")
        elif others := [one.version for one in _of_engine(self.engine) if flag in one.flags]:
            right = f"leave it out, it is known to {', '.join(others)}"
        elif close := difflib.get_close_matches(flag, self.flags, n=1, cutoff=0.75):
            right = f"did you mean {close[0]}"
        else:
            right = "leave it out"
        return _fault(f"{flag} is no option of {engine}", right)


def of(engine: str, version: str) -> Parser | None:
    """Return what a version takes; ``None`` for one that nobody looked at."""
    return next((one for one in _of_engine(engine) if one.version == version), None)


def versions(engine: str) -> list[str]:
    """Return every version of an engine that somebody looked at, the oldest first."""
    return [one.version for one in _of_engine(engine)]


@functools.cache
def _of_engine(engine: str) -> tuple[Parser, ...]:
    """Every version of an engine that there is a table of, the oldest first."""
    if plugin := _PLUGINS.get(engine):
        return tuple(_extended(engine, parser, *plugin[1:]) for parser in _of_engine(plugin[0]))
    tables = [json.loads(file.read_text()) for file in TABLES.glob(f"{engine}-[0-9]*.json")]
    tables.sort(key=lambda table: [int(part) for part in table["version"].split(".")])
    return tuple(_parser(table) for table in tables)


def _parser(table: dict[str, Any]) -> Parser:
    return Parser(table["engine"], table["version"], table["flags"], table["aliases"])


def _extended(engine: str, parser: Parser, flag: str, choice: str) -> Parser:
    flags = dict(parser.flags)
    flags[flag] = sorted([*flags[flag], choice])
    return dataclasses.replace(parser, engine=engine, flags=flags)


@functools.cache
def _instead(engine: str) -> dict[str, str]:
    found: dict[str, dict[str, str]] = json.loads((TABLES / "instead.json").read_text())
    return found.get(_PLUGINS.get(engine, (engine,))[0], {})


def _fitting(row: str | list[str]) -> int:
    """How many words an option takes at most."""
    if row == "switch":
        return 0
    return 1000 if str(row).endswith(("+", "*")) else 1


def _judged(flag: str, row: str | list[str], values: list[str], *, joined: bool) -> Iterator[Fault]:
    if row == "switch":
        if joined:
            yield _fault(f"{flag} is given a value", "leave the value out, the option says it all")
        return
    kind = row.rstrip("+*?&") if isinstance(row, str) else ""
    if not values and not str(row).endswith(("*", "?")):
        right = (
            f"one of {', '.join(row)}" if isinstance(row, list) else _TAKES.get(kind, ("it",))[0]
        )
        yield _fault(f"{flag} has no value", f"put {right} behind it")
    for value in values:
        if isinstance(row, list) and value not in row:
            yield _fault(f"{flag} is {value!r}", f"should be one of {', '.join(row)}")
        elif kind in _TAKES and not _taken(kind, value):
            shown = "no JSON" if kind == "json" else repr(value)
            yield _fault(f"{flag} is {shown}", f"should be {_TAKES[kind][0]}")


def _taken(kind: str, value: str) -> bool:
    try:
        return _TAKES[kind][1](value) is not False
    except ValueError:
        return False


def _sized(word: str) -> bool:
    return _SIZE.fullmatch(word) is not None


def _fault(wrong: str, right: str) -> Fault:
    return Fault(path="extra", wrong=wrong, right=right)
