"""Modules of others that come along with a program, compiled only if something imports them."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import os
import sys
from typing import Any, Dict, Tuple


def offer(packed: Dict[str, Tuple[str, str]], folder: str) -> None:
    """
    Let modules be imported from now on, before any of their names that the host has itself.

    :param packed: sha256 of the source, and the source by ``lzma`` in base 85, by module
    :param folder: where the same file may lie, with what an earlier run compiled of it
    """
    sys.meta_path.insert(0, _Finder(packed, folder))


class _Finder:
    def __init__(self, packed: Dict[str, Tuple[str, str]], folder: str) -> None:
        self.packed = packed
        self.folder = folder

    def find_spec(self, name: str, path: Any = None, target: Any = None) -> Any:
        """See ``importlib.abc.MetaPathFinder``."""
        if name not in self.packed:
            return None
        file = os.path.join(self.folder, name + ".py")
        if _sha256(file) == self.packed[name][0]:
            return importlib.util.spec_from_file_location(name, file)
        return importlib.util.spec_from_loader(name, self)  # type: ignore[arg-type]

    def create_module(self, spec: Any) -> None:
        """See ``importlib.abc.Loader``."""

    def exec_module(self, module: Any) -> None:
        """See ``importlib.abc.Loader``."""
        # Some Pythons were built without it; they miss this module and nothing else.
        import lzma

        name = module.__name__
        source = lzma.decompress(base64.b85decode(self.packed[name][1]))
        exec(compile(source, name + ".py", "exec"), module.__dict__)  # noqa: S102


def _sha256(file: str) -> str | None:
    try:
        with open(file, "rb") as opened:
            return hashlib.sha256(opened.read()).hexdigest()
    except OSError:
        return None
