"""
Hosts that are not there, for the plan: each answers the probe as canned here. A group a story,
``plan`` being those that nothing is wrong with.
"""

import json
from ipaddress import ip_address
from typing import Any

from inventories.stacks import vllm_0_32_cpu
from inventories.weights import canary
from roles import instance as _secrets
from roles import weights
from roles.base import layout
from roles.release import Release
from roles.spec import Accelerator, Agent, Gateway, HostSpec, Instance, Secret, VllmOptions
from tests.roles.faked import bare, entry, seen


def _instance(name: str, port: int) -> Instance:
    return Instance(
        name=name,
        stack=vllm_0_32_cpu.STACK,
        weights=canary.WEIGHTS,
        options=VllmOptions(max_model_len=1024, images=1, videos=1),
        port=port,
    )


_chat, _draw = _instance("chat", 8000), _instance("draw", 8001)
_one = HostSpec(accelerator=Accelerator.CPU, instances=(_chat,))
_two = HostSpec(accelerator=Accelerator.CPU, instances=(_draw, _chat))
_keyless = HostSpec(
    accelerator=Accelerator.CPU,
    instances=(_chat.model_copy(update={"api_key": Secret(env="METALSERVE_TEST_NO_KEY")}),),
)
_front = HostSpec(
    accelerator=Accelerator.CPU,
    instances=(_chat.model_copy(update={"model": "front"}),),
    agent=Agent(),
    gateway=Gateway(address=ip_address("127.0.0.1"), port=8443, models=("front",)),
)
_idle = HostSpec(accelerator=Accelerator.CPU)
_PYTHON = bare()["system"] | {"pythons": ["python3.11"]}
_BARE = bare() | {"system": _PYTHON}
_BEFORE, _OLDER = "vllm-0.32-cpu-000000000000", "vllm-0.32-cpu-111111111111"


def converged(spec: HostSpec, found: dict[str, Any] = _BARE) -> dict[str, Any]:
    """Return the probe of a host that is as its spec has it, and else as it was found."""
    receipts = {"prepare": layout.digest_of(spec)}
    instances = {}
    for one in spec.instances:
        release = Release(spec=spec, instance=one)
        secrets = _secrets.generation(one, machine_id=_PYTHON["machine_id"])["generation"]
        phase, digest = weights.receipt(one.weights, root=spec.weights_root)
        receipts[phase] = digest
        receipts[f"stage-{one.name}"] = release.staged(secrets)
        unit = f"metalserve-vllm@{one.name}.service"
        instances[one.name] = seen(
            current=release.name, previous=_BEFORE, secrets=secrets, unit=unit
        )
    return found | {
        "receipts": {phase: {"digest": d, "drift": []} for phase, d in receipts.items()},
        "stacks": [one.stack.folder for one in spec.instances][:1],
        "instances": instances,
    }


def _drifted() -> dict[str, Any]:
    found = converged(_one)
    for phase, receipt in found["receipts"].items():
        if phase.startswith(("prepare", "weights")):
            receipt["drift"] = [f"/of/{phase.split('-')[0]} is missing"]
    return found


def _served(previous: str | None, fault: str | None = None) -> dict[str, Any]:
    found = converged(_one)
    known = found["instances"]["chat"]
    served = [entry(known["current"], first="2026-11-26T02:00:00Z")]
    if previous:
        served.append(entry(previous, fault=fault))
    return found | {"instances": {"chat": known | {"previous": previous, "served": served}}}


def _half(current: str | None = None) -> dict[str, Any]:
    """Return the probe of a host that an upgrade came to, or not."""
    found = _served(previous=_BEFORE)
    known = found["instances"]["chat"]
    if current:
        known |= {"current": current, "served": [entry(current), entry(_OLDER)]}
    known["served"][0]["first"] = "2026-11-20" if current else "2026-11-26"
    return found


def _host(name: str, spec: HostSpec, found: object) -> tuple[str, dict[str, Any]]:
    responses: dict[str, Any] = {
        "no probe": found if isinstance(found, str) else json.dumps(found),
        "no list": json.dumps(
            {"things": [["user", "metalserve-chat"]], "stays": [], "fault": None}
        ),
        # What the stock operations ask of a bare host.
        "uname -s": "Linux",
        "command -v useradd": "/usr/sbin/useradd",
    }
    known = {"spec": spec, "fake_responses": responses, "fake_delay": 0, "fake_delay_jitter": 0}
    return f"@fake/{name}", known


plan = [
    _host("bare", _one, _BARE),
    _host("converged", _one, converged(_one)),
    _host("drift", _one, _drifted()),
    _host("two", _two, _BARE),
    _host("idle", _idle, _BARE),
    _host("front", _front, _BARE),
]
refused = [
    _host("right", _one, _BARE),
    _host("old", _two, _BARE | {"system": _PYTHON | {"systemd": 240, "uid": 1000}}),
    _host(
        "busy",
        _one,
        _BARE | {"ports": [{"port": 8000, "pid": 1, "process": "nginx", "unit": "nginx.service"}]},
    ),
    _host("keyless", _keyless, _BARE),
    _host("silent", _one, "bash: /usr/bin/python3: No such file or directory\nno probe"),
]
back = [
    _host("good", _one, _served(previous=_BEFORE)),
    _host("first", _one, _served(previous=None)),
    _host("none", _one, _BARE),
]
not_back = [
    _host("bad", _one, _served(previous=_BEFORE, fault="is marked bad: sum: answered '5'")),
    _host("mute", _one, "no probe"),
]
half = [
    _host("upgraded", _one, _half()),
    _host("untouched", _one, _half(current=_BEFORE)),
]
