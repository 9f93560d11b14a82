"""Hosts that want a model of some shards, and an operator who brings it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.hosts import fresh
from bench.room import refuse_full_disk
from bench.spent import Spent, spent
from roles.lab import Lab, LabError, LabHost, places
from tests.lab import fixtures
from tests.lab.site import Site
from tests.roles.hostside.models import listed

SHARDS = 4
_SPARE_GIB = 1
_OURS = ".venv/bin/pyinfra"
_IMPORTS = """\
import sys

sys.path.insert(0, {folder!r})
import large

_words = VllmOptions(dtype="float32", max_model_len=1024, kv_cache_gib=1)"""
_MODULE = """\
from inventories.weights import canary
from roles.spec import HostFolder, HuggingFace, Weights, WeightsFile

WEIGHTS = Weights(
    name="large",
    files=tuple(WeightsFile(**file) for file in {files!r}),
    sources=({source},),
    checks=tuple(one for one in canary.WEIGHTS.checks if one.kind == "text"),
)
"""


class Models:
    """The hosts of a lab, and who changes them."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def hosts(self) -> list[LabHost]:
        """Every host, the first of which may have it all."""
        return self.site.hosts

    def want(self, files: dict[str, bytes], source: str) -> None:
        """Let every host want a model, whose files come from a source: Python of one."""
        text = _MODULE.format(files=listed(files), source=source)
        (self.site.folder / "large.py").write_text(text)
        wanted = "(_instance(weights=large.WEIGHTS, options=_words),)"
        self.site.want(*[wanted] * len(self.hosts))

    def did(self, deploy: str, *words: str) -> Spent:
        """Run a deploy that has to succeed, and look at it and at the first host."""
        command = [str(places.REPOSITORY / _OURS), "-y", *words, str(self.site.inventory), deploy]
        variables = {"PYINFRA_PROGRESS": "off", **self.site.environment}
        return spent(command, self.hosts[0], variables=variables)

    def must(self, host: LabHost, command: str) -> str:
        """Run a command on a host that has to succeed."""
        done = host.run(command, timeout_s=1800)
        if done.returncode:
            raise LabError(f"{host.name}: {command}: {done.stdout}{done.stderr}")
        return done.stdout


def shards(*numbers: int) -> list[str]:
    """Return the names of shards, all of them unless some are named."""
    wanted = numbers or range(1, SHARDS + 1)
    return [f"model-{number:05}-of-{SHARDS:05}.safetensors" for number in wanted]


@contextmanager
def models(name: str, count: int, *, gib: float, more: str = "") -> Iterator[tuple[Lab, Models]]:
    """
    Hosts of a lab of its own, which are gone with it afterwards.

    :param gib: what they will have on their disks together
    :param more: further words of each host, with the lab's network as ``{subnet}``
    """
    refuse_full_disk(gib + _SPARE_GIB, f"{count} hosts with the model")
    lab = Lab(name)
    with fresh(lab, count) as folder:
        yield lab, begun(lab, folder, more.format(subnet=lab.network.subnet))


def begun(lab: Lab, folder: Path, more: str) -> Models:
    """Return the hosts of a lab, with what installs our tools on their disks."""
    site = fixtures.site(lab.hosts, folder / "site", fixtures.wheels(folder / "wheels"))
    site.more = more
    site.imports = _IMPORTS.format(folder=str(site.folder))
    return Models(site)


def newest(host: LabHost, pattern: str) -> float:
    """Return when the newest of some files of a host was written."""
    state = Path(host.disk.root) / "var/lib/metalserve"
    return max(file.stat().st_mtime for file in state.glob(pattern))
