"""A stack on a host: nothing to do when it is whole, else one job with everything in its plan."""

from pathlib import Path
from typing import Any

import roles.engine
from roles.engine import operations
from roles.spec import HostSpec, Packages
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import LOCK, Nouns


def _told(spec: HostSpec, found: object) -> Told:
    (instance,) = spec.instances
    given: dict[str, Any] = {"stack": instance.stack, "packages": spec.packages}
    return told(operations.installed_stack, spec, found, python=spec.python, **given)


def test_installed(nouns: Nouns) -> None:
    folder = nouns.stack().folder
    found = _told(nouns.chat(), bare() | {"stacks": [folder]})
    assert found == Told(commands=[], noops=[f"{folder} is installed"])


def test_not_installed(nouns: Nouns) -> None:
    """Another version beside it is not it."""
    packages = Packages(index="https://mirror.example/simple")
    spec, stack = nouns.host(nouns.instance(), packages=packages), nouns.stack()
    found = _told(spec, bare() | {"stacks": ["vllm-0.26-cuda-000000000000"]})
    installer = Path(roles.engine.__file__).with_name("uv.txt").read_text()
    plan = {
        "name": stack.folder,
        "folder": f"/opt/metalserve/stacks/{stack.folder}",
        "lock": LOCK,
        "python": "3.12",
        "disk_gib": 7.5,
        "installer": installer,
        "packages": {"index": "https://mirror.example/simple", "folder": None, "proxy": None},
    }
    given = {
        "name": f"install-{stack.folder}",
        "script": "install",
        "python": "/usr/bin/python3",
        "plan": plan,
    }
    assert found == Told(commands=[lock_taken(), ("run", given)], noops=[])
    assert "--hash=sha256:" in installer
