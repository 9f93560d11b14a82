"""Fleets that are not there: hosts in every state, as probe and reports would tell of them."""

from collections.abc import Callable
from functools import cache
from typing import Any

from roles import lock
from roles.release import Release
from roles.spec import HostSpec
from roles.status import hosts, runs
from tests.roles import devices
from tests.roles.faked import seen
from tests.roles.preflight import plans

Row = dict[str, Any]

ASKED = "2026-11-26T02:14:09Z"
SINCE = "2026-11-24T21:40:51Z"
DEAD = "NVIDIA driver: GPU is lost"
DIAGNOSIS = [
    "vllm-0.33.0-1c0ffee1c0ff failed: it did not become ready",
    "  CUDA out of memory: the model and its KV cache do not fit (known: cuda-oom)",
    "  remedy: lower max_model_len, or share the model between more devices",
    "state: vllm-0.33.0-0ddba11ca750 serves again and answers right",
]
BREAKS_OUT = "</pre><script>alert(1)</script>"


@cache
def _chat() -> HostSpec:
    return plans.one(on=2)


@cache
def _video() -> HostSpec:
    return plans.lmdeploy("0.18.0", "4b", on=1)


def _serving(spec: HostSpec, gpus: int = 8, **changed: Any) -> Row:
    """Return the probe of a host that serves what its spec wants."""
    (instance,) = spec.instances
    release = Release(spec=spec, instance=instance)
    unit = f"metalserve-{instance.stack.unit}@{instance.name}.service"
    used: Row = {"used_mib": 118900, "free_mib": 24256, "power_w": 402, "temperature_c": 61}
    used["processes"] = [{"pid": 812, "name": "vllm", "mib": 118900, "unit": unit}]
    cards = [
        devices.gpu(index, **(used if index in instance.devices else {})) for index in range(gpus)
    ]
    found = plans.with_gpus(*cards)
    about = {
        "model": instance.served_as, "weights": instance.weights.name,
        "engine": str(instance.stack.engine), "devices": list(instance.devices),
        "stack": instance.stack.name, "unit": unit, "address": "127.0.0.1", "port": 8000,
    }  # fmt: skip
    done = {"outcome": "committed", "began": SINCE, "ended": SINCE, "why": ""}
    right = seen(
        current=release.name,
        previous="vllm-0.33.0-0ddba11ca750",
        unit=unit,
        about=about,
        transaction={"release": release.name, **done},
    )
    found["instances"] = {instance.name: right | changed}
    return found


def well(name: str) -> Row:
    return hosts.of(name, _chat(), _serving(_chat()))


def video(name: str) -> Row:
    return hosts.of(name, _video(), _serving(_video(), gpus=4))


def npus(name: str) -> Row:
    return hosts.of(name, plans.ascend(), plans.a2(8))


def down(name: str) -> Row:
    return hosts.of(name, _chat(), _serving(_chat(), active=False, state="failed"))


def failing(name: str) -> Row:
    """A device of its instance lost memory, and one that nobody uses complained."""
    found = _serving(_chat())
    told = found["accelerators"]["cuda"]
    told["devices"][1]["ecc"] |= {"uncorrected": 3, "uncorrected_lifetime": 4}
    slot = told["devices"][5]["slot"]
    told["xids"] = [{"at_s": 9.5, "slot": slot, "xid": 79, "text": "GPU has fallen off the bus."}]
    return hosts.of(name, _chat(), found)


def drifted(name: str) -> Row:
    found = _serving(_chat())
    path = "/etc/systemd/system/metalserve-vllm@.service"
    found["receipts"] = {"prepare": {"digest": "d", "drift": [f"{path} has another mode, sha256"]}}
    return hosts.of(name, _chat(), found)


def older(name: str) -> Row:
    """It serves another release than the inventory wants; the wanted one failed."""
    last: Row = {"release": "vllm-0.33.0-1c0ffee1c0ff", "outcome": "rolled back", "began": SINCE}
    last |= {"ended": SINCE, "why": "vllm-0.33.0-1c0ffee1c0ff failed: it did not become ready"}
    before = "vllm-0.33.0-0ddba11ca750"
    found = _serving(_chat(), current=before, previous=None, transaction=last)
    return hosts.of(name, _chat(), found)


def unreached(name: str) -> Row:
    return hosts.silent(name, _chat(), "Could not connect, timed out")


def absent(name: str) -> Row:
    found = _serving(_chat())
    return hosts.of(name, _chat(), found | {"instances": {}})


_STORY: tuple[Callable[[str], Row], ...] = (well, failing, unreached, drifted)
_RARE: dict[int, Callable[[str], Row]] = {
    17: down, 41: failing, 58: unreached, 59: unreached, 77: drifted, 102: older, 103: older,
    140: absent, 163: drifted,
}  # fmt: skip


def of(count: int) -> Row:
    """Return a fleet of so many hosts: a few of each kind of trouble, and the rest well."""
    listed = [_host(index, count) for index in range(count)]
    reports = [check(listed), upgrade(listed), refused(listed), unfinished(listed)]
    runs.add_answers(listed, reports)
    return {
        "schema": 1,
        "asked": ASKED,
        "who": "night@control-1",
        "inventory": "inventories/prod.py",
        "reports": "inventories/reports/prod",
        "left_out": 0,
        "hosts": listed,
        "runs": runs.history(reports),
    }


def _host(index: int, count: int) -> Row:
    if count <= len(_STORY):
        return _STORY[index](f"h200-{index + 1}.example")
    rack = f"r{index // 16 + 1:02}-{index % 16 + 1:02}.example"
    if index in _RARE:
        return _RARE[index](f"h200-{rack}")
    kind, name = ((npus, "a2"), (video, "video"), (well, "h200"), (well, "h200"))[index % 4]
    return kind(f"{name}-{rack}")


def _report(**fields: Any) -> Row:
    right: Row = {
        "schema": 1, **lock.owner(), "who": "night@control-1", "run": "r1234567",
        "deploys": ["deploy/check.py"], "inventory": "inventories/prod.py",
        "inventory_sha256": "5f2b" * 16, "commit": "fbe5db9" + "0" * 33, "changed": False,
        "limit": [], "exclude": [], "data": [], "dry": False, "began": "2026-11-26T02:00:00Z",
        "ended": "2026-11-26T02:00:04Z", "seconds": 4.2, "outcome": "done", "error": None,
        "hosts": {},
    }  # fmt: skip
    return right | fields


def answers(*, wrong: bool = False) -> list[Row]:
    """Return how an instance answered."""
    right = {"check": "sum", "kind": "text", "passed": True, "why": "", "latency_s": 0.21}
    found = [
        {**right, "check": f"{kind}-{index}", "kind": kind, "first_token_s": first}
        for index, (kind, first) in enumerate([("text", None), ("image", None), ("stream", 0.06)])
    ]
    if wrong:
        found[1] |= {"passed": False, "why": f"answered {BREAKS_OUT!r}, expected 'cross'"}
    return found


def check(listed: list[Row]) -> Row:
    """Return the report of a check that every host answered right but for the first."""
    names = [host["name"] for host in listed if host["answers"] and host["instances"]]
    return _report(
        outcome="failed",
        hosts={
            name: {
                "result": "failed" if name == names[0] else "done",
                "reasons": [],
                "answers": {"chat": answers(wrong=name == names[0])},
                "steps": [],
            }
            for name in names
        },
    )


def upgrade(listed: list[Row]) -> Row:
    """Return the report of a run that failed on one host, and says why."""
    first, *others = listed
    steps = [
        {"name": "Prepared", "result": "unchanged", "seconds": 0.0},
        {
            "name": "Activate chat vllm-0.33.0-1c0ffee1c0ff",
            "result": "failed",
            "seconds": 184.2,
            "said": [*DIAGNOSIS, BREAKS_OUT],
        },
    ]
    rest = {"result": "done", "reasons": [], "steps": [], "answers": {}}
    return _report(
        run="r7654321",
        deploys=["deploy/main.py"],
        began="2026-11-24T21:30:00Z",
        ended="2026-11-24T21:44:00Z",
        seconds=840.0,
        outcome="failed",
        changed=True,
        hosts={first["name"]: rest | {"result": "failed", "steps": steps}}
        | {host["name"]: rest for host in others},
    )


def refused(listed: list[Row]) -> Row:
    """Return the report of a run that preflight refused."""
    reason = "instances/chat/port: found 8000 is held by nginx.service (pid 1), wanted a free port"
    untouched = {"result": "not begun", "reasons": [], "steps": [], "answers": {}}
    told = untouched | {"result": "refused", "reasons": [reason]}
    return _report(
        run="r0000001",
        deploys=["deploy/main.py"],
        began="2026-11-24T21:20:00Z",
        seconds=1.4,
        outcome="refused",
        error="refused, nothing was changed on any host",
        hosts={host["name"]: untouched for host in listed} | {listed[-1]["name"]: told},
    )


def unfinished(listed: list[Row]) -> Row:
    """Return the report of a run whose control machine died."""
    gone = {"pid": 2**22 + 1, "started": 1}
    return _report(
        run="r0000002", deploys=["deploy/stage.py"], began="2026-11-23T09:00:00Z", ended=None,
        seconds=None, outcome=None, **gone,
    )  # fmt: skip
