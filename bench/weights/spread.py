"""
How long it takes until eight hosts have a model that one has, beside one copy over one link.

``bin/bench swarm [MIB]`` as root: nine lab hosts, each on a link of 100 Mbit/s both ways, and
a model of four shards, 1000 MiB in all unless given. Ten minutes.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter

from bench.told import machine
from roles.lab import Lab, LabError, LabHost
from tests.lab import fixtures
from tests.lab.site import Site, sent
from tests.roles.hostside.models import listed, model, shard

HOSTS = 9
MBIT = 100
SHARDS = 4
_SOURCE = "srv/source"

_MODULE = """\
from inventories.weights import canary
from roles.spec import HostFolder, Weights, WeightsFile

WEIGHTS = Weights(
    name="large",
    files=tuple(WeightsFile(**file) for file in {files!r}),
    sources=(HostFolder(path="/{source}/{name}"),),
    checks=tuple(one for one in canary.WEIGHTS.checks if one.kind == "text"),
)
"""


class Fleet:
    """Nine hosts; the first has the models."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def origin(self) -> LabHost:
        """The host that has all of it."""
        return self.site.hosts[0]

    def want(self, name: str, files: dict[str, bytes]) -> None:
        """Let every host want a model, whose files only the first one has."""
        folder = Path(self.origin.disk.root) / _SOURCE / name
        folder.mkdir(parents=True, exist_ok=True)
        for path, content in files.items():
            (folder / path).write_bytes(content)
        text = _MODULE.format(files=listed(files), source=_SOURCE, name=name)
        (self.site.folder / "large.py").write_text(text)
        self.site.want(*["(_instance(weights=large.WEIGHTS, options=_words),)"] * HOSTS)

    def run(self, deploy: str, *words: str) -> str:
        """Run a deploy script, and return what it said."""
        done = self.site.run(deploy, *words, within_s=1800)
        if done.code:
            raise LabError(done.said)
        return done.said

    def spread(self) -> tuple[float, float, float]:
        """Return seconds of the run, and until the last host had it, and MB out of the origin."""
        before, began = sent(self.origin), perf_counter()
        said = self.run("stage")
        took = perf_counter() - began
        if said.count("brought from the other hosts and verified in") != HOSTS - 1:
            raise LabError(said)
        # All clocks are this machine's: from the first job that began to the last receipt.
        takers = self.site.hosts[1:]
        first = min(_newest(host, "jobs/weights-large-*/run.json") for host in takers)
        last = max(_newest(host, "receipts/weights-large-*.json") for host in takers)
        return took, last - first, (sent(self.origin) - before) / 1e6

    def copied(self, name: str) -> float:
        """Return the seconds of one copy of a model's shards over one link."""
        serve = "systemd-run --quiet --collect --unit bench-copy python3 -m http.server 8123"
        told = self.origin.run(f"{serve} --directory /{_SOURCE}/{name}")
        if told.returncode:
            raise LabError(told.stderr)
        urls = " ".join(
            f"-o /srv/copy-{n} http://{self.origin.address}:8123/model-{n:05}-of-{SHARDS:05}.safetensors"
            for n in range(1, SHARDS + 1)
        )
        began = perf_counter()
        done = self.site.hosts[1].run(f"sleep 1; curl -sf {urls} && rm /srv/copy-*", timeout_s=1800)
        took = perf_counter() - began - 1
        self.origin.run("systemctl stop bench-copy")
        if done.returncode:
            raise LabError(done.stderr)
        return took


def _newest(host: LabHost, pattern: str) -> float:
    """Return when the newest of some files of a host was written."""
    state = Path(host.disk.root) / "var/lib/metalserve"
    return max(file.stat().st_mtime for file in state.glob(pattern))


@contextmanager
def fleet() -> Iterator[Fleet]:
    """Hosts that are gone with it afterwards."""
    lab = Lab("benchswarm")
    lab.destroy()
    try:
        with TemporaryDirectory() as made:
            lab.up(HOSTS)
            folder = Path(made)
            site = fixtures.site(lab.hosts, folder / "site", fixtures.wheels(folder / "wheels"))
            site.more = f'spread=Spread(network="{lab.network.subnet}")'
            site.imports = (
                f"import sys\n\nsys.path.insert(0, {str(site.folder)!r})\nimport large\n"
                '_words = VllmOptions(dtype="float32", max_model_len=1024, kv_cache_gib=1)'
            )
            yield Fleet(site)
    finally:
        lab.destroy()


def main() -> None:
    """Print the table as Markdown."""
    mib = int(sys.argv[1]) if len(sys.argv) > 1 else 1000
    size = mib * 1024 * 1024 // SHARDS
    print(machine())
    print(f"{HOSTS - 1} hosts and one that has it, {MBIT} Mbit/s a link, {mib} MiB.\n")
    with fleet() as hosts:
        # So that the tools are on every host, and no measurement is of their arrival.
        hosts.want("warm", model(*[100_000] * SHARDS))
        hosts.run("prepare")
        _bring(hosts)
        hosts.run("stage")
        first = model(*[size] * SHARDS)
        hosts.want("first", first)
        _bring(hosts)
        second = {**first, f"model-00003-of-{SHARDS:05}.safetensors": shard(size, 99)}
        for host in hosts.site.hosts:
            host.shape(MBIT)
        floor = hosts.copied("first")
        print(f"One copy over one link: {floor:.1f} s.\n")
        print("| what | last host, s | × one copy | whole run, s | MB out of the origin |")
        print("|---|---|---|---|---|")
        _row("all of it", hosts.spread(), floor)
        hosts.want("second", second)
        _bring(hosts)
        _row(f"a new revision, 1 of {SHARDS} shards changed", hosts.spread(), floor)


def _bring(hosts: Fleet) -> None:
    """Let the first host have it, before anything is measured."""
    hosts.run("stage", "--limit", hosts.origin.name)


def _row(what: str, measured: tuple[float, float, float], floor: float) -> None:
    took, last, sent = measured
    print(f"| {what} | {last:.0f} | {last / floor:.2f} | {took:.0f} | {sent:.0f} |", flush=True)


if __name__ == "__main__":
    main()
