"""The tools that we are held against, each in an environment of its own, pinned here."""

import os
import shutil
import sys
from pathlib import Path

from roles.lab import LabError
from roles.lab.command import attempt, run

ANSIBLE = "ansible-core==2.21.5"
MITOGEN = "mitogen==0.3.54"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "metalserve-bench"
# The newest ansible-core needs a newer Python than we do.
_PYTHONS = ("python3.14", "python3.13", "python3.12")


def ansible() -> Path:
    """Return the folder of Ansible's environment, made now if it is not there."""
    return _made("ansible", ANSIBLE)


def mitogen() -> Path:
    """Return the folder of the environment of Ansible with Mitogen, made now if not there."""
    return _made("mitogen", ANSIBLE, MITOGEN)


def strategies(folder: Path) -> Path:
    """Return the folder of Mitogen's strategies in an environment."""
    (found,) = folder.glob("lib/python*/site-packages/ansible_mitogen/plugins/strategy")
    return found


def _made(name: str, *pins: str) -> Path:
    folder = _CACHE / "-".join([name, *(pin.rpartition("=")[2] for pin in pins)])
    complete = folder / "complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        uv = Path(sys.executable).with_name("uv")
        run(uv, "venv", "--quiet", "--python", _python(), folder)
        words = ("install", "--quiet", "--compile-bytecode", "--python", folder / "bin/python")
        run(uv, "pip", *words, *pins, timeout_s=600)
        complete.touch()
    return folder


def _python() -> str:
    """Return a Python that the newest ansible-core runs with."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv"))
    for name in _PYTHONS:
        there = [shutil.which(name), *map(str, sorted(pyenv.glob(f"versions/*/bin/{name}")))]
        for path in filter(None, there):
            # A shim may be there without what it leads to.
            if attempt(path, "-c", "import venv").returncode == 0:
                return path
    raise LabError(f"{ANSIBLE}: needs one of {', '.join(_PYTHONS)}, none is on this machine")
