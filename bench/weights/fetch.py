"""
What bringing a model from a hub to one host costs: by us, by the hub's own client, and by curl.

The hub is ``tests/standins/hub`` on the lab's bridge, the link to the host has a bound, the model
has four shards. Each tool brings it to where nothing of it is.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from bench.spent import Spent, over_ssh, spent
from bench.weights.site import SHARDS, Models, models, newest, shards
from roles.lab import LabError, places
from roles.lab import command as on_machine
from tests.roles.hostside.models import listed, model
from tests.standins.hub import Hub, Repository

TURNS = 3
COLUMNS = (
    *("part", "tool", "run", "hosts", "wall, s", "× curl", "the job alone, s", "CPU here, s"),
    *("peak here, MiB", "CPU of the host, s", "peak of the host, MiB", "verified"),
)
_REPO = "acme/large"
_BRING = "tests/lab/bring_weights.py"
_CLIENT = """\
import sys
from huggingface_hub import snapshot_download

repo, commit, folder = sys.argv[1:]
snapshot_download(repo, revision=commit, local_dir=folder)
"""


class Tool(ABC):
    """What brings the model to the site's only host, into a folder of its own."""

    name = ""
    verified = "no"
    folder = "/srv/brought"
    runs: tuple[str, ...] = ("first",)

    def __init__(self, hosts: Models, hub: Hub, commit: str) -> None:
        self.hosts, self.host = hosts, hosts.hosts[0]
        self.hub, self.commit = hub, commit

    @abstractmethod
    def bring(self) -> Spent:
        """Bring it."""

    def job_s(self) -> float | None:
        """Return how long what ran on the host took, where that is less than all."""
        return None

    def clear(self) -> None:
        """Have nothing of it on the host, nor in the host's memory."""
        self.hosts.must(self.host, f"rm -rf {self.folder} && mkdir -p {self.folder} && sync")

    @property
    def below(self) -> str:
        """The URL that paths are appended to."""
        return f"{self.hub.url}/{_REPO}/resolve/{self.commit}/"


@dataclass(frozen=True)
class Brought:
    """What came of bringing it once."""

    spent: Spent
    job_s: float | None


class Ours(Tool):
    """A run of pyinfra that brings weights."""

    name, verified, runs = "metalserve", "sha256", ("first", "no-change")
    folder = "/srv/metalserve/weights/large"

    def bring(self) -> Spent:
        """Run it."""
        return self.hosts.did(_BRING)

    def clear(self) -> None:
        """See ``Tool``; its receipt neither."""
        super().clear()
        self.hosts.must(self.host, "rm -f /var/lib/metalserve/receipts/weights-large-*")

    def job_s(self) -> float | None:
        """See ``Tool``."""
        began = newest(self.host, "jobs/weights-large-*/run.json")
        return newest(self.host, "receipts/weights-large-*.json") - began


class Client(Tool):
    """``snapshot_download`` of huggingface_hub, which looks at sizes alone."""

    name, runs = "huggingface_hub", ("first", "no-change")

    def bring(self) -> Spent:
        """Run it."""
        known = f"HF_ENDPOINT={self.hub.url} HF_HUB_DISABLE_PROGRESS_BARS=1 HF_HOME=/srv/hf/home"
        command = f"{known} /srv/hf/bin/python /srv/client.py {_REPO} {self.commit} {self.folder}"
        return spent(over_ssh(self.host, command), self.host)


class Curl(Tool):
    """As many at once as we."""

    name = "curl"

    def bring(self) -> Spent:
        """Run it."""
        return spent(over_ssh(self.host, self.command), self.host)

    @property
    def command(self) -> str:
        """What the host runs."""
        urls = " ".join(f"-o {self.folder}/{file} {self.below}{file}" for file in shards())
        return f"curl -sfL --parallel --parallel-max {SHARDS} {urls}"


class Verified(Curl):
    """curl, and what there is on every host to verify it by."""

    name, verified = "curl, sha256sum", "sha256"

    @property
    def command(self) -> str:
        """See ``Curl``."""
        return f"{super().command} && cd {self.folder} && sha256sum --quiet -c /srv/sums"


TOOLS = (Curl, Verified, Client, Ours)


_Turn = dict[tuple[str, str], Brought]


def measured(*, hosts: int, mib: int, mbit: int) -> Iterator[dict[str, Any]]:
    """Yield a row for each tool and run; the tools take turns."""
    files = model(*[mib * 1024 * 1024 // SHARDS] * SHARDS)
    repository = Repository(_REPO)
    commit = repository.commit(files)
    with (
        models("benchfetch", 1, gib=mib / 1024) as (lab, one),
        Hub(repository, address=lab.network.gateway) as hub,
    ):
        prepare(one, hub, files, commit)
        one.hosts[0].shape(mbit)
        tools: list[Tool] = [tool(one, hub, commit) for tool in TOOLS]
        # The first one warms what is compiled when it is first used.
        turns = [_turn(tools, hub) for _ in range(1 + TURNS)][1:]
    for tool in tools:
        for run in tool.runs:
            yield {**row(tool, run, turns), "mib": mib, "mbit": mbit}


def _turn(tools: list[Tool], hub: Hub) -> _Turn:
    found: _Turn = {}
    for tool in tools:
        tool.clear()
        for run in tool.runs:
            before = hub.mischief.sent.total()
            done = tool.bring()
            sent = hub.mischief.sent.total() - before
            if (sent > 0) != (run == "first") or hub.mischief.faults:
                raise LabError(f"{tool.name}, {run}: {sent} bytes came, {hub.mischief.faults}")
            found[tool.name, run] = Brought(done, tool.job_s() if run == "first" else None)
        tool.clear()
    return found


def row(tool: Tool, run: str, turns: list[_Turn]) -> dict[str, Any]:
    """Return the medians of a tool's turns; a ratio is of a turn."""
    own = [turn[tool.name, run] for turn in turns]
    ratios = [
        turn[tool.name, run].spent.wall_s / turn[Curl.name, "first"].spent.wall_s for turn in turns
    ]
    jobs = [one.job_s for one in own if one.job_s is not None]
    told = [one.spent.row for one in own]
    found = {key: median(one[key] for one in told) for key in told[0]}
    return {
        "part": "fetch",
        "tool": tool.name,
        "run": run,
        "hosts": 1,
        "wall_s": found.pop("wall_s"),
        "ratio": round(median(ratios), 2),
        "job_s": round(median(jobs), 1) if jobs else None,
        **found,
        "verified": tool.verified if run == "first" else None,
        "walls_s": [one["wall_s"] for one in told],
        "jobs_s": [round(one, 1) for one in jobs],
    }


def prepare(hosts: Models, hub: Hub, files: dict[str, bytes], commit: str) -> None:
    """Have all there that each tool needs."""
    host, root = hosts.hosts[0], Path(hosts.hosts[0].disk.root)
    hosts.want(files, f"HuggingFace(repo={_REPO!r}, revision={commit!r}, endpoint={hub.url!r})")
    hosts.did("deploy/prepare.py")
    # The client's lock is our own.
    words = ("--frozen", "--only-group", "hubs", "--no-emit-project", "--quiet")
    lock = on_machine.run(
        places.REPOSITORY / ".venv/bin/uv", "export", *words, "--project", places.REPOSITORY
    )
    (root / "srv/hubs.txt").write_text(lock)
    (root / "srv/client.py").write_text(_CLIENT)
    sums = [f"{one['sha256']}  {one['path']}\n" for one in listed(files) if one["path"] in shards()]
    (root / "srv/sums").write_text("".join(sums))
    pip = "/srv/hf/bin/pip --quiet --disable-pip-version-check install --require-hashes"
    hosts.must(host, f"python3 -m venv /srv/hf && {pip} -r /srv/hubs.txt")
