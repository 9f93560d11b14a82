"""Two hosts that are not there and serve one instance together."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from typing import cast

from pyinfra.api import Config, Host, Inventory, State
from pyinfra.api.arguments import AllArguments
from pyinfra.context import ctx_state

from roles.spec import Accelerator, Across, Agent, HostSpec, Rank
from tests.roles.spec.nouns import Nouns

HEAD, RANK = "@fake/gpu-1", "@fake/gpu-2"


def wanted(nouns: Nouns) -> HostSpec:
    """Return what both of them should be."""
    names = (HEAD, RANK)
    ranks = [Rank(host=n, address=ip_address(f"10.0.0.{i}")) for i, n in enumerate(names, start=1)]
    one = nouns.instance(
        stack=nouns.stack(command=("serve",)),
        options=nouns.options(tensor_parallel_size=2),
        across=Across(ranks=tuple(ranks)),
    )
    return HostSpec(accelerator=Accelerator.CUDA, instances=(one,), agent=Agent())


@contextmanager
def run(spec: HostSpec, head: object, rank: object, *left: str) -> Iterator[dict[str, Host]]:
    """A run of both hosts, but for those that have left it."""
    listed = [
        (name, {"spec": spec, "fake_responses": {"no probe": json.dumps(found)}, "fake_delay": 0,
                "fake_delay_jitter": 0})
        for name, found in ((HEAD, head), (RANK, rank))
    ]  # fmt: skip
    state = State(Inventory((listed, {})), Config())
    for host in state.inventory:
        host.current_op_global_arguments = cast("AllArguments", {})
        if host.name not in left:
            state.activate_host(host)
    with ctx_state.use(state):
        yield {host.name: host for host in state.inventory}
