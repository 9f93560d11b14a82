"""Lines of code, by which pyinfra knows its operations."""

import sys
from pathlib import Path
from types import ModuleType

DEPLOYS = Path(__file__).resolve().parents[2] / "deploy"


def know_deploys() -> None:
    """
    Have ``inspect`` find the modules of our deploys.

    pyinfra asks it for every call above every operation of every host. What pyinfra runs from a
    file is no module, and ``inspect`` looks through all modules for it, anew each time.
    """
    for file in DEPLOYS.glob("*.py"):
        module = ModuleType(f"deploy.{file.stem}", "A file that pyinfra runs.")
        module.__file__ = str(file)
        sys.modules.setdefault(module.__name__, module)
