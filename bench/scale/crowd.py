"""
Hosts that are not there, with servers of two H200 each, for ``bench.scale``.

``METALSERVE_CROWD`` says how many, with how many servers, in which state (``bare`` or
``converged``) and whether they share one spec or have each its own: ``1000 2 converged shared``. A
host has eight cards, more where its servers need more than any real one has.
"""

import json
import os
from typing import Any

from inventories.stacks import vllm_0_26_cuda
from inventories.weights import canary
from roles.spec import Accelerator, HostSpec, Instance, VllmOptions, inventory
from tests.deploy.fleet import converged
from tests.roles import devices
from tests.roles.preflight import plans

_MANAGER = {"unit": "nvidia-fabricmanager.service", "active": True, "version": "580.159.04"}


def _instance(number: int) -> Instance:
    return Instance(
        name=f"chat-{number}",
        stack=vllm_0_26_cuda.STACK,
        weights=canary.WEIGHTS,
        options=VllmOptions(max_model_len=4096, tensor_parallel_size=2, images=1, videos=1),
        devices=(2 * number, 2 * number + 1),
        port=8000 + number,
    )


def _spec(servers: int) -> HostSpec:
    """Return a spec of its own; what it is made of is shared, as an inventory's loop has it."""
    return HostSpec(
        accelerator=Accelerator.CUDA, instances=tuple(_instance(one) for one in range(servers))
    )


def _answers(servers: int, state: str) -> dict[str, Any]:
    gpus = (devices.gpu(index) for index in range(max(8, 2 * servers)))
    found = plans.with_gpus(*gpus, fabric_manager=_MANAGER)
    found = converged(_spec(servers), found) if state == "converged" else found
    # What the stock operations ask of a bare host stands below the probe.
    return {
        "no probe": json.dumps(found),
        "uname -s": "Linux",
        "command -v useradd": "/usr/sbin/useradd",
    }


def _crowd(count: int, servers: int, state: str, sharing: str) -> list[tuple[str, dict[str, Any]]]:
    one, answers = _spec(servers), _answers(servers, state)
    names = (f"@fake/gpu-{number:04}" for number in range(1, count + 1))
    (hosts,) = inventory({name: one if sharing == "shared" else _spec(servers) for name in names})
    known = {"fake_responses": answers, "fake_delay": 0, "fake_delay_jitter": 0}
    return [(name, told | known) for name, told in hosts]


_count, _servers, _state, _sharing = os.environ["METALSERVE_CROWD"].split()
crowd = _crowd(int(_count), int(_servers), _state, _sharing)
