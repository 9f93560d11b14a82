"""
Environments of the tools, one each: of those that we are held against, pinned here, and ours as
``bin/setup`` makes it for operators, without what tests and benches need besides.
"""

import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

from roles.lab import LabError, places
from roles.lab.command import attempt, run

ANSIBLE = "ansible-core==2.21.5"
MITOGEN = "mitogen==0.3.54"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "metalserve-bench"
# The newest ansible-core needs a newer Python than we do.
_PYTHONS = ("python3.14", "python3.13", "python3.12")


@cache
def pyinfra() -> str:
    """Return pyinfra of our environment, which is made now if it is not there."""
    pins = [places.REPOSITORY / name for name in ("uv.lock", "roles/engine/uv.txt")]
    about = sys.version.encode() + b"".join(file.read_bytes() for file in pins)
    folder = _CACHE / f"ours-{hashlib.sha256(about).hexdigest()[:12]}"
    return str(_once(folder, _bring_ours) / "bin/pyinfra")


def _bring_ours(folder: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    words = ("sync", "--quiet", "--frozen", "--compile-bytecode", "--python", sys.executable)
    into = ("env", f"UV_PROJECT_ENVIRONMENT={folder}")
    run(*into, uv, *words, "--project", places.REPOSITORY, timeout_s=600)
    # What jobs bring to hosts.
    shutil.copy2(uv, folder / "bin")


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
    def bring(folder: Path) -> None:
        uv = Path(sys.executable).with_name("uv")
        run(uv, "venv", "--quiet", "--python", _python(), folder)
        words = ("install", "--quiet", "--compile-bytecode", "--python", folder / "bin/python")
        run(uv, "pip", *words, *pins, timeout_s=600)

    return _once(_CACHE / "-".join([name, *(pin.rpartition("=")[2] for pin in pins)]), bring)


def _once(folder: Path, bring: Callable[[Path], None]) -> Path:
    complete = folder / "complete"
    if not complete.exists():
        shutil.rmtree(folder, ignore_errors=True)
        bring(folder)
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
