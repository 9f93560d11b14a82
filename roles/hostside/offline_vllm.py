"""
Questions to vLLM without its server.

A release's ``start`` runs it in place of the server, with the stack's own Python and the words of
the server's command line. It reads questions as JSON and prints, as its last line, a report as
``ask.py`` does.
"""

from __future__ import annotations

import dataclasses
import importlib
import json
import sys
from typing import Any, List, Tuple

import ask


class Offline:
    """An engine in this process, which answers as ``served.Server`` does."""

    def __init__(self, words: List[str]) -> None:
        # Which modules hold them changed in 0.13 and in 0.33.
        kind = _of(["vllm.utils.argparse_utils", "vllm.utils"], "FlexibleArgumentParser")
        made = _of(
            ["vllm.entrypoints.openai.cli_args", "vllm.entrypoints.cli.serve"], "make_arg_parser"
        )
        given = made(kind()).parse_args(words)
        given.model = given.model_tag or given.model
        asked = _of(["vllm.engine.arg_utils"], "EngineArgs").from_cli_args(given)
        fields = {field.name: getattr(asked, field.name) for field in dataclasses.fields(asked)}
        self._vllm = importlib.import_module("vllm")
        self._engine = self._vllm.LLM(**fields)

    def complete(self, content: Any, max_tokens: int, within_s: float) -> Tuple[int, str]:
        """Return 200 and the answer, decoded greedily."""
        wanted = self._vllm.SamplingParams(temperature=0, max_tokens=max_tokens)
        said = self._engine.chat([{"role": "user", "content": content}], wanted, use_tqdm=False)
        return 200, said[0].outputs[0].text


def _of(modules: List[str], name: str) -> Any:
    """Return what the first of the modules that there is has under a name."""
    for module in modules[:-1]:
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError:
            continue
    return getattr(importlib.import_module(modules[-1]), name)


def main() -> None:
    """See the top of the file."""
    questions = json.load(sys.stdin)
    engine: Any = Offline(sys.argv[1:])
    print("\n" + json.dumps([ask.ask(engine, question) for question in questions]), flush=True)


if __name__ == "__main__":
    main()
