"""Every reason against a plan, whole: where, what was found, what is wanted, what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from roles import weights
from roles.preflight import Reason, against
from roles.spec import HostFolder, HostSpec
from tests.roles.faked import bare, seen
from tests.roles.spec.nouns import Nouns

Found = dict[str, Any]


def _system(**fields: Any) -> Found:
    return bare() | {"system": bare()["system"] | fields}


def _free(path: str, free_mib: int) -> Found:
    disks = bare()["disks"]
    disk = {"device": 9, "total_mib": 900000, "free_mib": free_mib}
    return bare() | {"disks": disks | {path: disk}}


def _receipt(nouns: Nouns, root: str) -> Found:
    phase, digest = weights.receipt(nouns.weights(), root=root)
    return {phase: {"digest": digest, "drift": []}}


def _listens(unit: str | None, **fields: Any) -> Found:
    listener = {"port": 8000, "pid": 4711, "process": "python3", "unit": unit}
    return bare() | {"ports": [listener | fields]}


REASONS: dict[str, tuple[Found, Reason]] = {
    "no systemd": (
        _system(systemd=None),
        Reason(
            code="systemd",
            path="system",
            found="systemd not running",
            wanted="247 or newer as the first process",
            remedy="use an OS of 2021 or later, booted with systemd",
        ),
    ),
    "old systemd": (
        _system(systemd=246),
        Reason(
            code="systemd",
            path="system",
            found="systemd 246",
            wanted="247 or newer as the first process",
            remedy="use an OS of 2021 or later, booted with systemd",
        ),
    ),
    "old python": (
        _system(python="3.7.17"),
        Reason(
            code="python-old",
            path="python",
            found="3.7.17",
            wanted="3.8 or newer",
            remedy="install a newer one and name it in the host's python",
        ),
    ),
    "not root": (
        _system(uid=1000),
        Reason(
            code="not-root",
            path="system",
            found="user id 1000",
            wanted="root",
            remedy="connect as root, or run pyinfra with --sudo",
        ),
    ),
    "another architecture": (
        _system(arch="aarch64"),
        Reason(
            code="arch",
            path="system",
            found="aarch64",
            wanted="x86_64",
            remedy="no stack of this release is locked for another architecture",
        ),
    ),
    "no python for the stack": (
        _system(pythons=["python3.9", "python3.11"]),
        Reason(
            code="python-missing",
            path="instances/chat/stack",
            found="python3.9, python3.11",
            wanted="python3.12",
            remedy="install python3.12 there, or choose a stack for a Python that it has",
        ),
    ),
    "no python at all": (
        _system(pythons=[]),
        Reason(
            code="python-missing",
            path="instances/chat/stack",
            found="no python3 in /usr/bin",
            wanted="python3.12",
            remedy="install python3.12 there, or choose a stack for a Python that it has",
        ),
    ),
    "no room for the stack": (
        _free("/opt/metalserve", 7679),
        Reason(
            code="disk",
            path="disks/opt/metalserve",
            found="7.5 GiB free",
            wanted="7.5 GiB for vllm-0.26-cuda",
            remedy="free some, or put it on a larger disk",
        ),
    ),
    "port of another unit": (
        _listens("nginx.service"),
        Reason(
            code="port",
            path="instances/chat/port",
            found="8000 is held by nginx.service (pid 4711)",
            wanted="a free port",
            remedy="stop it there, or give the instance another port",
        ),
    ),
    "port of a process": (
        _listens(None),
        Reason(
            code="port",
            path="instances/chat/port",
            found="8000 is held by python3 (pid 4711)",
            wanted="a free port",
            remedy="stop it there, or give the instance another port",
        ),
    ),
    "port of an unknown process": (
        _listens(None, pid=None, process=None),
        Reason(
            code="port",
            path="instances/chat/port",
            found="8000 is held by an unknown process (pid None)",
            wanted="a free port",
            remedy="stop it there, or give the instance another port",
        ),
    ),
    "a part that could not be found out": (
        bare() | {"disks": None, "faults": {"disks": "OSError: [Errno 5] Input/output error"}},
        Reason(
            code="probe",
            path="disks",
            found="OSError: [Errno 5] Input/output error",
            wanted="an answer",
            remedy="report it with the output of the probe",
        ),
    ),
    "no answer": (
        {"faults": {"python": "no answer of the probe (no probe)"}, "system": None},
        Reason(
            code="python",
            path="python",
            found="no answer of the probe (no probe)",
            wanted="Python 3.8 or newer",
            remedy="install one, or name the one there in the host's python",
        ),
    ),
}


@pytest.mark.parametrize(("found", "reason"), REASONS.values(), ids=REASONS)
def test_reason(nouns: Nouns, found: Found, reason: Reason) -> None:
    assert against(nouns.chat(), found) == [reason]


def _big(nouns: Nouns, **fields: Any) -> HostSpec:
    """Return a host whose weights take 6 GiB on a disk of their own."""
    files = nouns.weights("model.safetensors").files
    files = tuple(file.model_copy(update={"size": 3 << 30}) for file in files)
    big = nouns.weights(files=files, **fields)
    return nouns.host(nouns.instance(weights=big), weights_root="/data")


def _room(gib: float) -> Reason:
    return Reason(
        code="disk",
        path="disks/data",
        found=f"{gib:.1f} GiB free",
        wanted=f"{gib:.1f} GiB for qwen3-8b",
        remedy="free some, or put it on a larger disk",
    )


def test_no_room_for_weights(nouns: Nouns) -> None:
    """Where the spec wants them, and a spare, whatever is free elsewhere."""
    spec = _big(nouns, source=HostFolder(path="/mnt/models"))
    assert against(spec, _free("/data", 7 * 1024 - 1)) == [_room(7)]
    assert against(spec, _free("/data", 7 * 1024)) == []


def test_no_room_for_what_arrives(nouns: Nouns) -> None:
    """Files of the control machine are on the disk twice before they have their names."""
    assert against(_big(nouns), _free("/data", 13 * 1024 - 1)) == [_room(13)]
    assert against(_big(nouns), _free("/data", 13 * 1024)) == []


def test_one_disk_for_all(nouns: Nouns) -> None:
    """Stack and weights on the same file system need room together."""
    spec = _big(nouns, source=HostFolder(path="/mnt/models"))
    for device, free_gib, right in ((1, 14, False), (1, 15, True), (2, 14, True)):
        disk = {"device": device, "total_mib": 900000, "free_mib": free_gib * 1024}
        found = _free("/opt/metalserve", free_gib * 1024)
        found["disks"] |= {"/data": disk, "/opt/metalserve": disk | {"device": 1}}
        reasons = [(reason.path, reason.wanted) for reason in against(spec, found)]
        both = ("disks/data", "14.5 GiB for vllm-0.26-cuda, qwen3-8b")
        assert reasons == ([] if right else [both])


def test_as_a_line() -> None:
    assert str(Reason(code="c", path="p", found="f", wanted="w", remedy="r")) == (
        "p: found f, wanted w; r [c]"
    )


def test_host_that_is_right(nouns: Nouns) -> None:
    assert against(nouns.chat(), bare()) == []


RIGHT: dict[str, Callable[[Nouns], tuple[HostSpec, Found]]] = {
    "oldest systemd and python": lambda n: (n.chat(), _system(systemd=247, python="3.8.0")),
    "nothing to serve": lambda n: (n.host(), _system(arch="aarch64", pythons=[])),
    "installed stack": lambda n: (
        n.chat(),
        _free("/opt/metalserve", 0)
        | {"system": _system(pythons=[])["system"], "stacks": [n.stack().folder]},
    ),
    "complete weights": lambda n: (
        n.chat(),
        _free("/srv/metalserve/weights", 0) | {"receipts": _receipt(n, "/srv/metalserve/weights")},
    ),
    "port of its own unit": lambda n: (
        n.chat(),
        _listens("metalserve-vllm@chat.service") | {"instances": {"chat": seen()}},
    ),
    "another port": lambda n: (n.chat(), _listens("nginx.service", port=8001)),
    "two instances share a stack": lambda n: (
        n.host(n.instance(), n.instance(name="draw", devices=(1,), port=8001)),
        _free("/opt/metalserve", 7680),
    ),
}


@pytest.mark.parametrize("made", RIGHT.values(), ids=RIGHT)
def test_no_reason(nouns: Nouns, made: Callable[[Nouns], tuple[HostSpec, Found]]) -> None:
    spec, found = made(nouns)
    assert against(spec, found) == []


def test_weights_below_another_root(nouns: Nouns) -> None:
    """They are still to come where the spec wants them now."""
    found = _free("/srv/metalserve/weights", 0) | {"receipts": _receipt(nouns, "/data")}
    assert [reason.code for reason in against(nouns.chat(), found)] == ["disk"]


def test_port_beside_an_instance_that_never_served(nouns: Nouns) -> None:
    """Its unit is not known, and neither is that of the process: they are not the same."""
    dead = seen(current=None, unit=None, active=False, about=None)
    found = _listens(None) | {"instances": {"chat": dead}}
    assert [reason.code for reason in against(nouns.chat(), found)] == ["port"]


def test_two_stacks_need_room_for_both(nouns: Nouns) -> None:
    other = nouns.stack(name="vllm-0.27-cuda")
    spec = nouns.host(nouns.instance(), nouns.instance(name="draw", stack=other, port=8001))
    (reason,) = against(spec, _free("/opt/metalserve", 15 * 1024 - 1))
    assert reason.wanted == "15.0 GiB for vllm-0.26-cuda, vllm-0.27-cuda"
    assert against(spec, _free("/opt/metalserve", 15 * 1024)) == []


def test_all_at_once(nouns: Nouns) -> None:
    found = _system(systemd=None, python="3.6.9", uid=7, arch="aarch64", pythons=[])
    found |= {"disks": _free("/opt/metalserve", 1)["disks"], "ports": _listens(None)["ports"]}
    spec = nouns.host(nouns.instance(), nouns.instance(name="draw", devices=(1,), port=8001))
    assert [(reason.code, reason.path) for reason in against(spec, found)] == [
        ("systemd", "system"),
        ("python-old", "python"),
        ("not-root", "system"),
        ("arch", "system"),
        ("python-missing", "instances/chat/stack"),
        ("python-missing", "instances/draw/stack"),
        ("disk", "disks/opt/metalserve"),
        ("port", "instances/chat/port"),
    ]


def test_every_fault_at_once(nouns: Nouns) -> None:
    found = bare() | {"faults": {"disks": "one", "ports": "two"}}
    assert [(r.path, r.found) for r in against(nouns.chat(), found)] == [
        ("disks", "one"),
        ("ports", "two"),
    ]
