"""Two hosts that serve one instance together."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from roles.lab import LabHost
from tests.lab.site import STANDIN, Site

_IMPORTS = """
def _together(*extra):
    options = VllmOptions(
        dtype="float32", max_model_len=1024, max_num_seqs=4, images=1, videos=1, kv_cache_gib=1,
        enforce_eager=True, tensor_parallel_size=2, extra={words!r} + extra,
        environment={environment!r},
    )
    across = Across(ranks={ranks})
    return _instance(options=options, across=across, ready_within_s={ready_within_s})
"""
# `serve` alone knows --headless.
SERVED = STANDIN.replace("vllm.entrypoints.openai.api_server", 'vllm.entrypoints.cli.main", "serve')


@dataclass
class Group(Site):
    """A site whose hosts are one group, the first its head."""

    def __post_init__(self) -> None:
        ranks = ", ".join(f"Rank(host={h.name!r}, address={h.address!r})" for h in self.hosts)
        self.imports += _IMPORTS.format(
            ranks=f"({ranks})",
            words=self.words,
            environment=self.options,
            ready_within_s=self.ready_within_s,
        )
        self.more = "agent=Agent(asked_every_s=1)"

    def serve(self, seed: int, **standin: object) -> None:
        """Say which release both serve, by a number, and how the stand-in misbehaves in it."""
        words = ["--seed", str(seed)]
        if standin:
            words += ["--hf-overrides", json.dumps({"standin": standin})]
        self.together(*words)

    def together(self, *words: str) -> None:
        """Say which release both serve, by further words of its command line."""
        said = ", ".join(map(repr, words))
        self.want(*[f"(_together({said}),)"] * len(self.hosts))


def states(hosts: Iterable[LabHost]) -> list[Any]:
    """Return how the unit of each is, by systemd."""
    asked = "systemctl show -P ActiveState metalserve-vllm@chat"
    return [host.run(asked).stdout.strip() for host in hosts]
