"""Every command line that is rendered, and what the tables are made by."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from roles.engine import vllm
from roles.engine.parser import __main__ as parsers
from roles.spec import Accelerator, Engine, Lock, Stack, VllmOptions, parser
from tests.roles.spec.nouns import Nouns

STACKS = Path(__file__).parents[3] / "inventories/stacks"
PINS = ["0.11.0", "0.13.0", "0.18.1", "0.20.2", "0.26.0", "0.27.1", "0.32.0", "0.33.0"]
OPTIONS: list[dict[str, Any]] = [
    {},
    {"dtype": "bfloat16", "images": 2, "videos": 1, "enforce_eager": True, "max_num_seqs": 1},
    {"dtype": "float16", "tensor_parallel_size": 2, "gpu_memory_utilization": 0.5},
    {"dtype": "float32", "kv_cache_gib": 4, "extra": ("--seed", "1")},
]


def _stacks() -> list[Stack]:
    names = sorted(file.stem for file in STACKS.glob("*.py"))
    return [importlib.import_module(f"inventories.stacks.{name}").STACK for name in names]


def _accepted(nouns: Nouns, stack: Stack, options: VllmOptions) -> list[str]:
    devices = tuple(range(options.tensor_parallel_size))
    on = () if stack.accelerator is Accelerator.CPU else devices
    instance = nouns.instance(stack=stack, options=options, devices=on)
    assert instance.faults() == []
    taken = parser.of(stack.engine, stack.version)
    assert taken
    return [str(one) for one in taken.refusals(["--model", "m", *vllm.words(instance, options)])]


@pytest.mark.parametrize("fields", OPTIONS, ids=str)
@pytest.mark.parametrize("version", PINS)
def test_rendered_words_are_accepted(nouns: Nouns, version: str, fields: dict[str, Any]) -> None:
    """By what the parser of each pin takes."""
    stack = nouns.stack(version=version)
    assert _accepted(nouns, stack, nouns.options(**fields)) == []


@pytest.mark.parametrize(
    "stack",
    [stack for stack in _stacks() if stack.engine is not Engine.MINDIE],
    ids=lambda stack: stack.name,
)
def test_every_stack_has_a_table(nouns: Nouns, stack: Stack) -> None:
    """But for MindIE's, whose options are all in a file."""
    assert parser.of(stack.engine, stack.version)
    if stack.engine is Engine.VLLM:
        assert _accepted(nouns, stack, nouns.options()) == []
        # The wheel for CPUs has no metadata under the name that ``vllm serve`` asks for.
        module = stack.accelerator is Accelerator.CPU
        assert (stack.command[-1] == "serve") is not module


@pytest.mark.parametrize("file", sorted(parser.TABLES.glob("*-*.json")), ids=lambda file: file.stem)
def test_table_is_of_the_wheel_that_is_locked(file: Path) -> None:
    """The lock of a stack pins the very wheel that its table was made from."""
    table = json.loads(file.read_text())
    assert parsers.text(table) == file.read_text()
    of_it = (table["engine"], table["version"])
    locks = [stack.lock for stack in _stacks() if (stack.engine, stack.version) == of_it]
    # Those of other pins: preflight knows them, or a plugin of the same version starts them.
    assert locks or file.stem in ("vllm-0.18.0", "vllm-0.20.2", "vllm-0.23.0")
    assert all(isinstance(lock, Lock) and table["sha256"] in lock.text for lock in locks)
