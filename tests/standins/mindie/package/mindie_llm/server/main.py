"""``mindie_llm_server``: start the daemon of this package, after ``mindie_llm/server/main.py``."""

from __future__ import annotations

import importlib.util
import os
import sys
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[1]


def _folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise ImportError(f"{package} is not installed")
    return Path(found.origin).resolve().parent


def main() -> None:
    """Become the daemon, with where it and its libraries lie."""
    daemon = _ROOT / "bin/mindieservice_daemon"
    if not daemon.is_file():
        raise RuntimeError(f"mindieservice_daemon not found at {daemon}")
    config = _ROOT / "conf/config.json"
    if not config.is_file():
        raise RuntimeError(f"config.json not found at {config}")
    libraries = [_folder("torch") / "lib", _folder("atb_llm") / "lib", _ROOT / "lib"]
    found = [os.environ.get("LD_LIBRARY_PATH", ""), *(str(p) for p in libraries if p.is_dir())]
    environment = {
        **os.environ,
        "MINDIE_LLM_HOME_PATH": str(_ROOT),
        "LD_LIBRARY_PATH": ":".join(part for part in found if part),
        "PYTHONPATH": f"{_ROOT / 'lib'}:{os.environ.get('PYTHONPATH', '')}",
    }
    os.execve(daemon, [str(daemon), *sys.argv[1:]], environment)  # noqa: S606


if __name__ == "__main__":
    main()
