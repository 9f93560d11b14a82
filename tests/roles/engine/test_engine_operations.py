"""A stack on a host: nothing to do when it is whole, else one job with everything in its plan."""

from pathlib import Path

import roles.engine
from roles.engine import operations
from roles.spec import Folder, HostFolder, HostSpec, HttpFolder, Packages
from tests.roles.faked import Told, bare, lock_taken, told
from tests.roles.spec.nouns import HASH, LOCK, Nouns


def _told(spec: HostSpec, found: object) -> Told:
    (instance,) = spec.instances
    return told(operations.installed_stack, spec, found, stack=instance.stack, onto=spec)


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


def test_archive(nouns: Nouns) -> None:
    """It is fetched by its hash, from where it lies; nothing of packages is asked."""
    folder, depot = HostFolder(path="/mnt/vendor"), HttpFolder(url="http://depot/vendor")
    stack = nouns.ollama_stack(sources=(folder, depot))
    spec = nouns.host(nouns.ollama(stack=stack), fetch_limit_mib_s=40)
    beside = f"/opt/metalserve/cache/installers/{HASH[:12]}-ollama-linux-amd64.tgz"
    plan = {
        "name": stack.folder,
        "folder": f"/opt/metalserve/stacks/{stack.folder}",
        "disk_gib": 4,
        "program": "bin/ollama",
        "archive": {"path": "ollama-linux-amd64.tgz", "size": 7, "sha256": HASH},
        "beside": beside,
        "sources": [
            {"name": "/mnt/vendor", "folder": "/mnt/vendor"},
            {"name": "http://depot/vendor", "url": "http://depot/vendor/"},
        ],
        "limit_mib_s": 40,
        "proxy": None,
    }
    name = f"install-{stack.folder}"
    given = {"name": name, "script": "unpack", "python": "/usr/bin/python3", "plan": plan}
    assert _told(spec, bare()) == Told(commands=[lock_taken(), ("run", given)], noops=[])


def test_archive_of_this_machine(nouns: Nouns) -> None:
    """It arrives beside its place, and what arrived is removed at the end."""
    file = nouns.file("ollama-linux-amd64.tgz", "archive")
    stack = nouns.ollama_stack(sources=(Folder(path=nouns.folder),))
    incoming = f"/opt/metalserve/cache/installers/{HASH[:12]}-{file.name}.incoming"
    lock, made, upload, (_, given), removed = _told(
        nouns.host(nouns.ollama(stack=stack)), bare()
    ).commands
    assert (lock, made) == (lock_taken(), (f"mkdir -p {incoming}", None))
    assert upload == (f"upload {file}", f"{incoming}/{file.name}")
    assert isinstance(given, dict)
    (source,) = given["plan"]["sources"]
    assert source == {"name": f"{nouns.folder} of the control machine", "folder": incoming}
    assert removed == (f"rm -rf {incoming}", None)
