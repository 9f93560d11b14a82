"""One of our hostside scripts as a single program, for hosts that have none of them yet."""

import base64
import binascii
import hashlib
import importlib.util
import lzma
import re
import zlib
from functools import cache
from pathlib import Path

from roles import paths

FOLDER = Path(__file__).parents[1] / "hostside"
ELSEWHERE = "not the scripts of this run"
"""What a host says that has no such scripts, or those of another version."""

# Most scripts have siblings that most hosts do not need: to compile one takes as long as to run it.
_LOADER = """\
import binascii, sys, zlib
*modules, (main, text) = eval(zlib.decompress(binascii.a2b_base64({sources!r})))
class Siblings:
    def __init__(self, sources):
        self.sources = sources
    def find_spec(self, name, path=None, target=None):
        return type(sys.__spec__)(name, self) if name in self.sources else None
    def create_module(self, spec):
        return None
    def exec_module(self, module):
        name = module.__name__
        exec(compile(self.sources[name], name + ".py", "exec"), module.__dict__)
sys.meta_path.insert(0, Siblings(dict(modules)))
{offered}exec(compile(text, main + ".py", "exec"), {{"__name__": "__main__"}})
"""
# To parse them would take ten times as long. A line of text that reads like an import brings a
# sibling too many at worst.
_IMPORTED = re.compile(r"^ *(?:from (\w+) import |import (.+))", re.MULTILINE)
# What answers once and is gone has nothing that has to be tidied up, meanwhile or at its end. Of a
# better digest the import takes longer than the rest; who means ill there is root anyway.
_THERE = """\
import binascii, gc, os, sys
gc.disable()
folder, names, seen = {folder!r}, {names!r}, 0
try:
    for name in names:
        with open(folder + "/" + name + ".py", "rb", 0) as file:
            seen = binascii.crc32(file.read(), seen)
except OSError:
    pass
if seen == {seen}:
    sys.path.insert(0, folder)
    import {main}
    {main}.main()
    sys.stdout.flush()
    os._exit(0)
else:
    print({elsewhere!r})
"""
_OFFERED = "import carried; carried.offer({packed!r}, {folder!r})\n"


@cache
def program(name: str, carried: tuple[str, ...] = ()) -> str:
    """
    Return the script ``name`` with every sibling that it imports, to be fed to ``python3 -``.

    :param carried: modules of ours that are not hostside scripts, for it to import if it can
    """
    sources = _gathered(*(("carried",) if carried else ()), name)
    listed = repr([*sources.items()]).encode()
    packed = {module: _packed(module) for module in carried}
    return _LOADER.format(
        sources=base64.b64encode(zlib.compress(listed, 9)).decode(),
        offered=_OFFERED.format(packed=packed, folder=paths.HOSTSIDE) if packed else "",
    )


@cache
def there(name: str, carried: tuple[str, ...] = ()) -> str:
    """
    Return what runs the script ``name`` of a prepared host, if that is the very same as here with
    all that it imports, and says ``ELSEWHERE`` if it is not. Its Python has them compiled there.

    :param carried: as for ``program``
    """
    sources = {module: source.encode() for module, source in _gathered(name).items()}
    sources |= {module: _installed(module) for module in carried}
    return _THERE.format(
        folder=paths.HOSTSIDE,
        names=[*sources],
        seen=binascii.crc32(b"".join(sources.values())),
        main=name,
        elsewhere=ELSEWHERE,
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


def _gathered(*names: str) -> dict[str, str]:
    """Return the sources of scripts and their siblings, by name; what is imported first, first."""
    found: dict[str, str] = {}
    for name in names:
        _gather(name, found)
    return found


def _gather(name: str, found: dict[str, str]) -> None:
    source = (FOLDER / f"{name}.py").read_text()
    for one, several in _IMPORTED.findall(source):
        for imported in re.split(", *", one or several):
            if imported not in found and (FOLDER / f"{imported}.py").is_file():
                _gather(imported, found)
    found[name] = source
