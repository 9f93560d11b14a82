"""Releases staged on the host in a folder, by the code that stages them."""

import contextlib
import itertools
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import activate
import durable
import history
import places
import stage

from tests.standins.systemctl.answering import Manner
from tests.standins.systemctl.systemd import Systemd

UNIT = "metalserve-vllm@chat.service"
# What is known of vLLM 0.26 (roles/engine/metrics.py).
METRICS = {
    "running": "vllm:num_requests_running",
    "waiting": "vllm:num_requests_waiting",
    "kv_usage": "vllm:kv_cache_usage_perc",
    "first_token_s": "vllm:time_to_first_token_seconds",
    "between_tokens_s": "vllm:inter_token_latency_seconds",
    "preemptions": "vllm:num_preemptions_total",
    "finished": "vllm:request_success_total",
    "refreshed_every_s": 0,
}
SUM = {
    "name": "sum",
    "kind": "text",
    "prompt": "2 + 2 =",
    "expect": "4",
    "match": "contains",
    "max_tokens": 8,
    "within_s": 5.0,
    "media": "",
}


def names(folder: str | Path) -> list[str]:
    """Return what lies in a folder, in order."""
    return sorted(path.name for path in Path(folder).iterdir())


def fill(folder: Path) -> None:
    """Fill a small disk to its last file."""
    with contextlib.suppress(OSError):
        for number in itertools.count():
            (folder / f"filler-{number}").write_text("")


@dataclass
class Host:
    """A host with one instance."""

    systemd: Systemd
    port: int
    said: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        for engine in ("vllm", "ollama"):
            (Path(places.UNITS) / f"metalserve-{engine}@.service").write_text("[Service]\n")
        for folder in self.links.values():
            Path(folder).mkdir(parents=True, exist_ok=True)
            Path(folder, "complete.json").write_text("{}")

    @property
    def links(self) -> dict[str, str]:
        """What every release is made of."""
        return {"stack": f"{places.stacks()}/engine-1", "weights": f"{places.ROOT}/weights"}

    def stage(
        self,
        release: str,
        *,
        unit: str = UNIT,
        port: int | None = None,
        generation: str = "g1",
        key: str = "sesame",
        **about: Any,
    ) -> None:
        """Stage a release of the instance ``chat``."""
        described = {
            "engine": unit.partition("@")[0].partition("-")[2],
            "unit": unit,
            "address": "127.0.0.1",
            "port": port or self.port,
            "model": "canary",
            "ready_within_s": 5,
            "metrics": METRICS,
            "health": "/health",
            "devices": [],
        }
        wanted = {
            "instance": "chat",
            "release": release,
            "links": self.links,
            "files": {
                "release.json": {"text": json.dumps({**described, **about}), "mode": "0644"},
                "start": {"text": "#!/bin/sh\n", "mode": "0755"},
            },
            "checks": [SUM],
            "secrets": {"generation": generation, "files": {"api-key": key}},
        }
        stage.lay_out(wanted)
        stage.questions(wanted)
        stage.secrets(wanted)

    def own(self, release: str, link: str) -> str:
        """Make what a release is made of its own, and return where it is."""
        folder = f"{places.ROOT}/{link}-of-{release}"
        Path(folder).mkdir()
        Path(folder, "complete.json").write_text("{}")
        durable.link(f"{places.releases('chat')}/{release}/{link}", folder)
        return folder

    def plan(self, release: str, *, secrets: str | None = "g1", drain_within_s: float = 0) -> Any:
        """Return the plan that activates a release."""
        return {
            "instance": "chat",
            "release": release,
            "from": self.state.get("current"),
            "secrets": secrets,
            "drain_within_s": drain_within_s,
            "who": "ann@desk",
        }

    def activate(self, release: str, *, secrets: str | None = "g1") -> Any:
        """Activate a release and return the result."""
        self.said.clear()
        return activate.Activation(self.plan(release, secrets=secrets), self.said.append).run()

    def serving(self, release: str = "old") -> None:
        """Let a release serve."""
        assert self.activate(release)["ok"]
        self.systemd.calls.clear()

    def misbehave(self, release: str, **manner: Any) -> None:
        """Say how the servers of a release behave."""
        self.systemd.manners[release] = Manner(**manner)

    @property
    def state(self) -> dict[str, str | None]:
        """Every link of the instance and what it points at, by their last names."""
        folder = Path(places.instance("chat"))
        wants = Path(places.UNITS) / "multi-user.target.wants"
        links = [*folder.glob("*"), *wants.glob("*")]
        # A process that is killed leaves links with names that mean nothing to anybody.
        return {
            link.name: Path(durable.read_link(str(link)) or "?").name
            for link in links
            if not link.name.endswith(".new")
        }

    @property
    def steps(self) -> list[str]:
        """The steps that the last activation journalled."""
        return [str(step["step"]) for step in self.record["steps"]]

    @property
    def serves(self) -> str | None:
        """The release that answers, ``None`` when none does."""
        for release, manner in self.systemd.manners.items():
            units = self.systemd.units
            if any(self.systemd.served(unit) is manner for unit in units):
                return release
        return None

    @property
    def record(self) -> Any:
        """The journal of the last activation."""
        return durable.read_json(places.transaction("chat"))

    @property
    def served(self) -> list[str]:
        """The releases that served, what serves first."""
        return [str(entry["release"]) for entry in history.read("chat")]

    @property
    def bad(self) -> Any:
        """The note of each release that failed."""
        folder = Path(places.bad("chat"))
        return {path.stem: json.loads(path.read_text()) for path in folder.glob("*.json")}

    @property
    def audit(self) -> list[Any]:
        """Every line of the audit log."""
        path = Path(places.AUDIT)
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []
