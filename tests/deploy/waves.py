"""
Hosts that are not there and serve the release before, for waves. A group a story: of ``fine``
nothing fails; of ``bad`` the first does, of ``back`` the second; three of the four of ``tight``
serve and have to; of ``out`` somebody took the first out; ``served`` may go back.
"""

import json
from typing import Any

from roles.spec import Fleet, HostSpec
from tests.deploy.fleet import _BEFORE, _OLDER, _one, converged
from tests.roles.faked import entry

MODEL = _one.instances[0].served_as


def _found(**fields: Any) -> dict[str, Any]:
    found = converged(_one)
    about = {"unit": "metalserve-vllm@chat.service", "model": MODEL}
    chat = found["instances"]["chat"] | {"current": _BEFORE, "about": about}
    return found | {"instances": {"chat": chat | fields}}


def _host(name: str, *, fleet: Fleet, rack: str, fails: bool = False, **fields: Any) -> Any:
    spec: HostSpec = _one.model_copy(update={"rack": rack})
    responses: dict[str, Any] = {"no probe": json.dumps(_found(**fields))}
    if fails:
        responses["jobs.py run activate"] = {"stderr": "it answered wrong", "success": False}
    known = {"spec": spec, "fleet": fleet, "fake_responses": responses}
    return f"@fake/{name}", known | {"fake_delay": 0, "fake_delay_jitter": 0}


def _racks(prefix: str, fleet: Fleet, **first: Any) -> list[Any]:
    return [
        _host(f"{prefix}{n}", fleet=fleet, rack=f"r{n % 2}", **(first if n == 1 else {}))
        for n in range(1, 5)
    ]


_half = Fleet(shares=(50, 100), serving=50)
fine = _racks("fine", _half)
bad = _racks("bad", _half, fails=True)
back = _racks("back", Fleet(shares=(50, 100), on_refusal="back"))
back[1][1]["fake_responses"]["jobs.py run activate"] = {"success": False}
tight = _racks("tight", Fleet(), out=["a fan is loud"])
out = _racks("out", _half, out=["a fan is loud"])
served = [
    _host(
        f"served{n}", fleet=Fleet(), rack="r1", current=_OLDER,
        served=[entry(_OLDER), entry(_BEFORE)],
    )
    for n in range(1, 5)
]  # fmt: skip
