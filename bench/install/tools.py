"""The tools that install a lock, each on the same host, which has nothing of another meanwhile."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from shlex import quote

from bench.hosts import fresh
from bench.room import refuse_full_disk
from bench.spent import Spent, over_ssh, spent
from inventories.stacks import vllm_0_32_cpu
from roles.hostside import places as on_host
from roles.lab import Lab, LabError, places
from roles.spec import Lock
from tests.lab import fixtures
from tests.lab.site import Site

DEPLOY = "bench/install/deploy.py"
_LOCK = "/srv/lock.txt"
_UV_WORDS = "--quiet --require-hashes --only-binary :all: --compile-bytecode"
# What uv resolved, pip is not asked to resolve again; it would refuse what the lock overrides.
_PIP_WORDS = "--quiet --no-deps --require-hashes --only-binary=:all: --disable-pip-version-check"


class Tool(ABC):
    """What installs the lock on the site's only host."""

    free_gib = 8

    def __init__(self, site: Site) -> None:
        self.site, self.host = site, site.hosts[0]

    @property
    @abstractmethod
    def folders(self) -> tuple[str, str]:
        """What it installs into, and its cache."""

    @abstractmethod
    def installed(self) -> Spent:
        """Install the lock where it is not installed."""

    def cold(self) -> Spent:
        """On a host that has nothing of it."""
        return self.installed()

    def warm(self) -> Spent:
        """From its cache."""
        self.remove(self.folders[0])
        return self.installed()

    def second(self) -> Spent:
        """Once more, where it is installed."""
        return self.installed()

    def clear(self) -> None:
        """Leave nothing of it on the host."""
        self.remove(*self.folders)

    def remove(self, *folders: str) -> None:
        """Remove what is in some folders, and let the disk come to rest."""
        found = " ".join(f"{quote(folder)}/* {quote(folder)}/.[!.]*" for folder in folders)
        self.must(f"rm -rf {found} && sync")

    def packages(self) -> int:
        """Return how many packages are installed."""
        # What packages have vendored lies deeper.
        installed = "-path '*/site-packages/*.dist-info' -not -path '*/site-packages/*/*'"
        said = self.must(f"find {quote(self.folders[0])} {installed} -prune | wc -l")
        return int(said)

    def must(self, command: str) -> str:
        """Run a command on the host that has to succeed."""
        done = self.host.run(command, timeout_s=600)
        if done.returncode:
            raise LabError(f"{self.host.name}: {command}: {done.stderr}")
        return done.stdout


class Ours(Tool):
    """
    A run of pyinfra with the job that ``deploy/stage.py`` has for stacks. It wants room for all of
    the stack once more where the cache is full, too.
    """

    free_gib = 13

    folders = (on_host.stacks(), on_host.package_cache())

    def installed(self) -> Spent:
        """Have one instance want the stack."""
        self.site.want("(_instance(),)")
        done = self._run()
        if "installed in" not in done.said:
            raise LabError(f"nothing was installed:\n{done.said}")
        return done

    def second(self) -> Spent:
        """Have another instance want the same stack."""
        self.site.want("(_instance(), _instance(name='other', port=8001))")
        done = self._run()
        if "installed in" in done.said:
            raise LabError(f"a second instance was not to install anything:\n{done.said}")
        return done

    def clear(self) -> None:
        """Leave nothing of it on the host, its own uv neither."""
        self.remove(*self.folders, on_host.tools())

    def _run(self) -> Spent:
        pyinfra = str(places.REPOSITORY / ".venv/bin/pyinfra")
        words = [pyinfra, "-y", str(self.site.inventory), DEPLOY]
        variables = {"PYINFRA_PROGRESS": "off", **self.site.environment}
        return spent(words, self.host, variables=variables)


class Uv(Tool):
    """The uv that we install by, which compiles as we and pip do, and verifies nothing after it."""

    folders = ("/srv/uv/venv", "/srv/uv/cache")

    def installed(self) -> Spent:
        """Make an environment unless it is there, and sync it."""
        venv, cache = self.folders
        self.must("test -x /srv/uv/pip/bin/uv || { python3 -m venv /srv/uv/pip && "
                  "/srv/uv/pip/bin/pip install --quiet -r /srv/uv.txt; }")  # fmt: skip
        uv = f"UV_CACHE_DIR={cache} UV_SYSTEM_CERTS=1 UV_NO_PROGRESS=1 /srv/uv/pip/bin/uv"
        command = (
            f"test -x {venv}/bin/python || {uv} venv --quiet --allow-existing {venv}; "
            f"{uv} pip sync {_UV_WORDS} --python {venv}/bin/python {_LOCK}"
        )
        return spent(over_ssh(self.host, command), self.host)


class Pip(Tool):
    """The distribution's pip, which keeps every wheel twice beside what it makes of it."""

    free_gib = 12

    folders = ("/srv/pip/venv", "/srv/pip/cache")

    def installed(self) -> Spent:
        """Make an environment unless it is there, and install into it."""
        venv, cache = self.folders
        command = (
            f"test -x {venv}/bin/python || python3 -m venv {venv}; "
            f"{venv}/bin/pip install {_PIP_WORDS} --cache-dir {cache} --requirement {_LOCK}"
        )
        return spent(over_ssh(self.host, command), self.host)


TOOLS: dict[str, type[Tool]] = {"metalserve": Ours, "uv": Uv, "pip": Pip}


@contextmanager
def site(tools: Sequence[str]) -> Iterator[Site]:
    """A prepared host without any package, for tools, which is gone with it afterwards."""
    refuse_full_disk(max(TOOLS[one].free_gib for one in tools), ", ".join(tools))
    lab = Lab("benchinstall")
    with fresh(lab) as folder:
        yield begun(lab, folder)


def begun(lab: Lab, folder: Path) -> Site:
    """Return a site of a lab's host, prepared, with a cache of its own on its own disk."""
    made = fixtures.real(lab, folder)
    made.want("(_instance(),)")
    done = made.run("prepare", within_s=1800)
    if done.code:
        raise LabError(f"deploy/prepare.py ended with {done.code}:\n{done.said}")
    host = lab.hosts[0]
    # What lab hosts share is this machine's, and full.
    shared = host.run(f"umount {places.HOST_UV_CACHE} && ls -A {places.HOST_UV_CACHE}")
    if shared.returncode or shared.stdout:
        raise LabError(f"{host.name}: {places.HOST_UV_CACHE}: {shared.stdout}{shared.stderr}")
    root = Path(host.disk.root)
    lock = vllm_0_32_cpu.STACK.lock
    assert isinstance(lock, Lock)  # noqa: S101
    (root / _LOCK.lstrip("/")).write_text(lock.text)
    (root / "srv/uv.txt").write_text((places.REPOSITORY / "roles/engine/uv.txt").read_text())
    return made
