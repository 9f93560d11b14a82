"""
Say which patches a folder of weights needs on a stack: ``python -m roles.weights.patch DIR --stack
NAME``. NAME is a file in ``inventories/stacks``, or a stack's own name. Nothing is written.
"""

import argparse
import hashlib
import importlib
import sys
from pathlib import Path
from typing import cast

from roles.spec import Stack
from roles.weights.patch.decide import Snapshot, needed
from roles.weights.patch.edit import PatchError, patched, text

_STACKS = Path(__file__).parents[3] / "inventories/stacks"


def main(words: list[str]) -> int:
    """Return 0 when the weights can run on the stack, patched or not, and 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m roles.weights.patch", description=__doc__)
    parser.add_argument("folder", metavar="DIR", type=Path, help="a model's files")
    parser.add_argument("--stack", metavar="NAME", required=True, help="as in vllm-0.26-cuda")
    asked = parser.parse_args(words)
    stack = _stack(asked.stack)
    if stack is None:
        known = ", ".join(sorted(file.stem for file in _STACKS.glob("*.py")))
        print(f"{asked.stack}: no such stack, there are {known}", file=sys.stderr)
        return 2
    try:
        snapshot = Snapshot.of(asked.folder)
        patches = needed(snapshot, stack)
        after = text(patched(snapshot.config, *patches))
    except PatchError as error:
        print(f"refused: {error}", file=sys.stderr)
        return 1
    if not patches:
        print(f"{stack.name} takes {asked.folder} as it is")
        return 0
    before = (asked.folder / "config.json").read_bytes()
    for patch in patches:
        print(f"{patch.file}: {patch.name}, since {patch.reason}")
        for edit in patch.edits:
            print(f"  {edit}")
    print(f"sha256 before  {hashlib.sha256(before).hexdigest()}")
    print(f"sha256 after   {hashlib.sha256(after.encode()).hexdigest()}")
    return 0


def _stack(name: str) -> Stack | None:
    module = name.replace("-", "_").replace(".", "_")
    if not (_STACKS / f"{module}.py").is_file():
        return None
    return cast("Stack", importlib.import_module(f"inventories.stacks.{module}").STACK)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
