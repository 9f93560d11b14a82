"""One of our hostside scripts as a single program, for hosts that have none of them yet."""

import ast
import base64
import hashlib
import importlib.util
import json
import lzma
import zlib
from functools import cache
from pathlib import Path

from roles import paths

FOLDER = Path(__file__).parents[1] / "hostside"

_LOADER = """\
import base64, json, sys, types, zlib
*modules, (main, text) = json.loads(zlib.decompress(base64.b85decode({sources!r})))
for name, source in modules:
    module = types.ModuleType(name)
    sys.modules[name] = module
    exec(compile(source, name + ".py", "exec"), module.__dict__)
{offered}exec(compile(text, main + ".py", "exec"), {{"__name__": "__main__"}})
"""
_OFFERED = "sys.modules['carried'].offer({packed!r}, {folder!r})\n"


@cache
def program(name: str, carried: tuple[str, ...] = ()) -> str:
    """
    Return the script ``name`` with every sibling that it imports, to be fed to ``python3 -``.

    :param carried: modules of ours that are not hostside scripts, for it to import if it can
    """
    siblings = dict.fromkeys([*_siblings(name), *(("carried",) if carried else ())])
    sources = json.dumps([[module, _source(module)] for module in (*siblings, name)]).encode()
    packed = {module: _packed(module) for module in carried}
    return _LOADER.format(
        sources=base64.b85encode(zlib.compress(sources, 9)).decode(),
        offered=_OFFERED.format(packed=packed, folder=paths.HOSTSIDE) if packed else "",
    )


def files(carried: tuple[str, ...] = ()) -> dict[str, bytes]:
    """
    Return what lies in the folder of our scripts on a prepared host, by file name.

    :param carried: as for ``program``, which takes them from there
    """
    ours = {path.name: path.read_bytes() for path in sorted(FOLDER.glob("*.py"))}
    return ours | {f"{module}.py": _installed(module) for module in carried}


def _packed(module: str) -> tuple[str, str]:
    source = _installed(module)
    text = base64.b85encode(lzma.compress(source, preset=lzma.PRESET_EXTREME)).decode()
    return hashlib.sha256(source).hexdigest(), text


def _installed(module: str) -> bytes:
    """Return the source of a module of one file that is installed here."""
    found = importlib.util.find_spec(module)
    if found is None or found.origin is None:
        raise ModuleNotFoundError(f"{module}: not installed here, run uv sync", name=module)
    return Path(found.origin).read_bytes()


def _siblings(name: str) -> list[str]:
    """Return what a script imports from its folder, what is imported first, first."""
    found: list[str] = []
    for node in ast.walk(ast.parse(_source(name))):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module]
        for imported in names:
            if (FOLDER / f"{imported}.py").is_file():
                found += [*_siblings(imported), imported]
    return list(dict.fromkeys(found))


def _source(name: str) -> str:
    return (FOLDER / f"{name}.py").read_text()
