"""Which options there are, and what a command line asks for."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import NamedTuple

from .said import Asked, Said


class _Options(NamedTuple):
    letters: dict[str, str]
    valued: dict[str, bool]
    both: set[str]


def parse(words: list[str], said: Said) -> Asked:
    """Return what was asked for; raise ValueError at the first word that nobody knows."""
    options = _read()
    asked: Asked = {}
    rest = list(words)
    while rest:
        word = rest.pop(0)
        name, assigned, value = word.lstrip("-").partition("=")
        if word.startswith("-") and not word.startswith("--") and len(name) == 1:
            name = options.letters.get(name, "")
        if word.startswith("-") and name.startswith("no-") and name[3:] in options.both:
            asked[name[3:]] = False
        elif not word.startswith("-") or name not in options.valued:
            _refuse(word)
        elif not options.valued[name]:
            if assigned:
                _refuse(word)
            asked[name] = True
        elif assigned or rest:
            asked[name] = value if assigned else rest.pop(0)
        else:
            _refuse(word)
    kind = str(asked.get("kernel-module-type", "open"))
    if kind[:1].lower() not in ("o", "p"):
        said.error(f"'{kind}' is not a valid kernel module type.")
        raise ValueError(kind)
    return asked


def _refuse(word: str) -> None:
    print(f'./nvidia-installer: unrecognized option: "{word}"', file=sys.stderr)
    raise ValueError(word)


def _read() -> _Options:
    options = _Options({}, {}, set())
    for line in (Path(__file__).parent / "options.txt").read_text().splitlines():
        if not line.startswith("#"):
            letter, name, *form = line.split()
            options.letters[letter] = name
            options.valued[name] = form == ["="]
            if form == ["?"]:
                options.both.add(name)
    return options
