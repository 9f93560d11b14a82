"""
Tell what an engine's server takes on its command line, as JSON: ``python dump.py ENGINE [FOLDER]``.

Run by an environment that the engine is installed in, or on the folder of its unpacked wheel,
where what it depends on is made up. It needs nothing but the standard library, and is no module
of ours: it can be piped into any Python.
"""

import argparse
import importlib
import json
import sys
from pathlib import Path
from typing import Any

# What a value is told by: whether the parser takes each of these.
_SAMPLES = ("x", "{}", "auto", "8k", "1.5", "1")
_KINDS: dict[tuple[bool, ...], str] = {
    (False, True, False, False, False, False): "json",
    (False, True, False, False, True, True): "json",
    (False, False, True, True, False, True): "size or auto",
    (False, False, False, True, False, True): "size",
    (False, False, False, False, True, True): "number",
    (False, False, False, False, False, True): "integer",
}


def main() -> None:
    """Print the table."""
    engine = sys.argv[1]
    if len(sys.argv) > 2:
        sys.path.insert(0, str(Path(__file__).parent))
        absent = importlib.import_module("absent")
        sys.path.insert(0, sys.argv[2])
        absent.make_up(all_but=engine)
    parser, quantizations = _vllm() if engine == "vllm" else (_lmdeploy(), ())
    print(json.dumps(_table(parser, tuple(quantizations))))


def _vllm() -> Any:
    # Which modules hold them changed in 0.13 and in 0.33.
    kind = _of(("vllm.utils.argparse_utils", "vllm.utils"), "FlexibleArgumentParser")
    made = _of(
        ("vllm.entrypoints.openai.cli_args", "vllm.entrypoints.cli.serve"), "make_arg_parser"
    )
    return made(kind()), _of(("vllm.model_executor.layers.quantization",), "QUANTIZATION_METHODS")


def _lmdeploy() -> Any:
    serve = _of(("lmdeploy.cli.serve",), "SubCliServe")
    serve.add_parser_api_server()
    return serve.subparsers.choices["api_server"]


def _of(modules: tuple[str, ...], name: str) -> Any:
    """Return what the first of the modules that there is has under a name."""
    for module in modules[:-1]:
        try:
            return getattr(importlib.import_module(module), name)
        except ImportError:
            continue
    return getattr(importlib.import_module(modules[-1]), name)


def _table(parser: Any, quantizations: tuple[str, ...]) -> dict[str, Any]:
    # It takes underscores for dashes, and --json-option.key VALUE, which no table can say.
    if type(parser).__name__ != "FlexibleArgumentParser":
        raise TypeError(f"{type(parser)} is no parser that roles/spec/parser.py knows")
    flags: dict[str, Any] = {}
    aliases: dict[str, str] = {}
    first: dict[int, str] = {}
    # Some names are registered and not listed: the actions' own lists are not whole.
    for name, action in parser._option_string_actions.items():
        if isinstance(action, argparse._HelpAction):
            continue
        known = first.setdefault(id(action), next(_long(action, name)))
        if name != known:
            aliases[name] = known
        flags[known] = _row(action)
    if "--quantization" in flags:
        # The parser takes any word, and the engine dies of most of them.
        flags["--quantization"] = sorted(quantizations)
    return {
        "flags": dict(sorted(flags.items())),
        "aliases": dict(sorted(aliases.items())),
    }


def _long(action: Any, name: str) -> Any:
    yield from (one for one in action.option_strings if one.startswith("--"))
    yield name


def _row(action: Any) -> Any:
    """
    ``switch``, what kind of value it takes, or all values that it takes. A kind is followed by
    ``+``, ``*`` or ``?`` as argparse has it, and by ``&`` where it may be given again.
    """
    if action.nargs == 0:
        return "switch"
    many = action.nargs or ("&" if isinstance(action, argparse._AppendAction) else "")
    if action.choices and not many:
        return [str(one) for one in action.choices if _chosen(action, str(one))]
    return _kind(action.type) + str(many)


def _chosen(action: Any, word: str) -> bool:
    """Say whether a choice can be written: None often cannot, and sometimes is what None means."""
    convert = action.type or str
    return _takes(convert, word) and convert(word) in action.choices


def _kind(convert: Any) -> str:
    if convert is None or convert is str:
        return "text"
    # A whole object is wanted, whose fields may be required: none of the samples is one.
    if convert.__name__ == "parse_dataclass":
        return "json"
    return _KINDS.get(tuple(_takes(convert, sample) for sample in _SAMPLES), "text")


def _takes(convert: Any, sample: str) -> bool:
    try:
        convert(sample)
    except (ValueError, TypeError, argparse.ArgumentTypeError):
        return False
    return True


if __name__ == "__main__":
    main()
