"""Every reason that a machine and its OS give, whole: where, found, wanted, what to do."""

from collections.abc import Callable
from typing import Any

import pytest

from roles import weights
from roles.preflight import Reason, against
from roles.spec import (
    Accelerator,
    CudaDriver,
    DriverPackages,
    DriverRunFile,
    HostFolder,
    HostSpec,
    Installer,
)
from tests.roles.faked import bare, seen
from tests.roles.spec.nouns import HASH, Nouns

Found = dict[str, Any]


def _refused(spec: HostSpec, found: Found) -> list[Reason]:
    return [reason for reason in against(spec, found) if reason.refuses]


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
            path="instances/chat/stack",
            found="aarch64 on the host",
            wanted="x86_64, which vllm-0.26-cuda is pinned for",
            remedy="choose a stack for aarch64, or make its lock with arch='aarch64'",
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
            found="8000 is held by a process that cannot be seen",
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
            found="/usr/bin/python3: no answer of the probe (no probe)",
            wanted="Python 3.8 or newer",
            remedy="install one, or name the one there in the host's python",
        ),
    ),
}


@pytest.mark.parametrize(("found", "reason"), REASONS.values(), ids=REASONS)
def test_reason(nouns: Nouns, found: Found, reason: Reason) -> None:
    assert _refused(nouns.chat(), found) == [reason]


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


def test_lock_for_the_machine(nouns: Nouns) -> None:
    """Of a stack that the host is only made ready for, too."""
    lock = nouns.lock()
    arm = nouns.stack(name="arm", lock=lock.model_copy(update={"arch": "aarch64"}))
    served, ready = nouns.host(nouns.instance(stack=arm)), nouns.host(ready_for=(arm,))
    assert _refused(served, _system(arch="aarch64")) == []
    for spec, path in [(served, "instances/chat/stack"), (ready, "ready_for/arm")]:
        (reason,) = _refused(spec, _system())
        assert (reason.code, reason.path, reason.found) == ("arch", path, "x86_64 on the host")
        assert reason.wanted == "aarch64, which arm is pinned for"


def test_no_room_for_weights(nouns: Nouns) -> None:
    """Where the spec wants them, and a spare, whatever is free elsewhere."""
    spec = _big(nouns, sources=(HostFolder(path="/mnt/models"),))
    assert _refused(spec, _free("/data", 7 * 1024 - 1)) == [_room(7)]
    assert _refused(spec, _free("/data", 7 * 1024)) == []


def test_no_room_for_what_arrives(nouns: Nouns) -> None:
    """Files of the control machine are on the disk twice before they have their names."""
    assert _refused(_big(nouns), _free("/data", 13 * 1024 - 1)) == [_room(13)]
    assert _refused(_big(nouns), _free("/data", 13 * 1024)) == []


def test_one_disk_for_all(nouns: Nouns) -> None:
    """Stack and weights on the same file system need room together."""
    spec = _big(nouns, sources=(HostFolder(path="/mnt/models"),))
    for device, free_gib, right in ((1, 14, False), (1, 15, True), (2, 14, True)):
        disk = {"device": device, "total_mib": 900000, "free_mib": free_gib * 1024}
        found = _free("/opt/metalserve", free_gib * 1024)
        found["disks"] |= {"/data": disk, "/opt/metalserve": disk | {"device": 1}}
        reasons = [(reason.path, reason.wanted) for reason in _refused(spec, found)]
        both = ("disks/data", "14.5 GiB for vllm-0.26-cuda, qwen3-8b")
        assert reasons == ([] if right else [both])


def test_as_a_line() -> None:
    assert str(Reason(code="c", path="p", found="f", wanted="w", remedy="r")) == (
        "p: found f, wanted w; r [c]"
    )


def test_host_that_is_right(nouns: Nouns) -> None:
    assert _refused(nouns.chat(), bare()) == []


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
    assert _refused(spec, found) == []


def test_weights_below_another_root(nouns: Nouns) -> None:
    """They are still to come where the spec wants them now."""
    found = _free("/srv/metalserve/weights", 0) | {"receipts": _receipt(nouns, "/data")}
    assert [reason.code for reason in _refused(nouns.chat(), found)] == ["disk"]


def test_port_beside_an_instance_that_never_served(nouns: Nouns) -> None:
    """Its unit is not known, and neither is that of the process: they are not the same."""
    dead = seen(current=None, unit=None, active=False, about=None)
    found = _listens(None) | {"instances": {"chat": dead}}
    assert [reason.code for reason in _refused(nouns.chat(), found)] == ["port"]


def test_two_stacks_need_room_for_both(nouns: Nouns) -> None:
    other = nouns.stack(name="vllm-0.27-cuda")
    spec = nouns.host(nouns.instance(), nouns.instance(name="draw", stack=other, port=8001))
    (reason,) = _refused(spec, _free("/opt/metalserve", 15 * 1024 - 1))
    assert reason.wanted == "15.0 GiB for vllm-0.26-cuda, vllm-0.27-cuda"
    assert _refused(spec, _free("/opt/metalserve", 15 * 1024)) == []


def test_all_at_once(nouns: Nouns) -> None:
    found = _system(systemd=None, python="3.6.9", uid=7, arch="aarch64", pythons=[])
    found |= {"disks": _free("/opt/metalserve", 1)["disks"], "ports": _listens(None)["ports"]}
    spec = nouns.host(nouns.instance(), nouns.instance(name="draw", devices=(1,), port=8001))
    assert [(reason.code, reason.path) for reason in _refused(spec, found)] == [
        ("systemd", "system"),
        ("python-old", "python"),
        ("not-root", "system"),
        ("arch", "instances/chat/stack"),
        ("python-missing", "instances/chat/stack"),
        ("python-missing", "instances/draw/stack"),
        ("disk", "disks/opt/metalserve"),
        ("port", "instances/chat/port"),
    ]


def test_every_fault_at_once(nouns: Nouns) -> None:
    found = bare() | {"faults": {"disks": "one", "ports": "two"}}
    assert [(r.path, r.found) for r in _refused(nouns.chat(), found)] == [
        ("disks", "one"),
        ("ports", "two"),
    ]


def test_port_of_an_instance_that_the_spec_dropped(nouns: Nouns) -> None:
    """It is ours, and nobody will stop it."""
    old = "metalserve-vllm@old.service"
    found = _listens(old) | {"instances": {"old": seen(unit=old)}}
    (reason,) = _refused(nouns.chat(), found)
    assert (reason.code, old in reason.found) == ("port", True)


BOOT = bare()["system"]["boot_id"]
DRIVER = CudaDriver(version="575.57.08", source=DriverPackages(names=("nvidia-open",)))


def _remarks(spec: HostSpec, found: Found) -> list[str]:
    return [reason.code for reason in against(spec, found) if not reason.refuses]


@pytest.mark.parametrize(
    ("fields", "system", "pending", "remarks"),
    [
        ({}, {}, None, []),
        ({"driver": DRIVER}, {}, None, ["reboot"]),
        ({"driver": DRIVER, "may_reboot": True}, {}, None, []),
        ({"driver": DRIVER, "may_reboot": True}, {"headers": False}, None, ["headers"]),
        ({"driver": DRIVER, "may_reboot": True}, {"secure_boot": True}, None, ["secure-boot"]),
        ({}, {"headers": False, "secure_boot": True}, None, []),
        ({}, {}, {"why": "a driver was installed", "boot_id": BOOT}, ["reboot"]),
        ({"may_reboot": True}, {}, {"why": "a driver was installed", "boot_id": BOOT}, []),
        ({}, {}, {"why": "a driver was installed", "boot_id": "the one before"}, []),
    ],
)
def test_what_a_driver_needs(
    nouns: Nouns, fields: Found, system: Found, pending: Found | None, remarks: list[str]
) -> None:
    """Told, not refused: the run installs headers, and stops where it may not restart."""
    found = _system(**system) | {"platform": {"began": {}, "reboot": pending}}
    assert _remarks(nouns.host(**fields), found) == remarks


def test_nouveau_drives_a_card() -> None:
    """A host whose modules are not to be read tells it by its cards."""
    card = {"vendor": "0x10de", "what": "NVIDIA GPU", "driver": "nouveau"}
    found = bare() | {"accelerators": {"pci": [card], "cuda": None, "ascend": None}}
    spec = HostSpec(accelerator=Accelerator.CUDA, driver=DRIVER)
    assert "reboot" in _remarks(spec, found)
    card["driver"] = "vfio-pci"
    assert "reboot" not in _remarks(spec, found)


def test_why_it_has_to_restart(nouns: Nouns) -> None:
    found = bare() | {
        "platform": {"began": {}, "reboot": {"why": "nouveau is off", "boot_id": BOOT}}
    }
    (reason,) = against(nouns.host(), found)
    assert str(reason) == (
        "may_reboot: found nouveau is off, wanted a restart of the machine, which the host's "
        "may_reboot does not allow; without --data reboot=yes the run will stop there: give "
        "that, set may_reboot, or restart it by hand and run again [reboot]"
    )


@pytest.mark.parametrize(("arch", "codes"), [("x86_64", []), ("aarch64", ["installer-arch"])])
def test_installer_for_the_machine(nouns: Nouns, arch: str, codes: list[str]) -> None:
    installer = Installer(file=f"NVIDIA-Linux-{arch}-580.159.04.run", sha256=HASH)
    driver = CudaDriver(version="580.159.04", source=DriverRunFile(installer=installer))
    spec = nouns.host(driver=driver, installers=HostFolder(path="/mnt/installers"))
    assert [reason.code for reason in _refused(spec, bare())] == codes


@pytest.mark.parametrize(
    ("part", "refuses"),
    [
        ("system.glibc", True),
        ("system.clock", False),
        ("accelerators.cuda", True),
        ("accelerators.pci", True),
        ("accelerators.ascend", False),
        ("accelerators", True),
        ("platform", True),
    ],
)
def test_what_nothing_is_judged_by(nouns: Nouns, part: str, refuses: bool) -> None:
    """A fact that costs nothing but itself is a remark, and the rest is judged."""
    found = _listens(None) | {"faults": {part: "OSError: no"}}
    told = [(reason.code, reason.path) for reason in _refused(nouns.chat(), found)]
    assert told == ([("probe", part)] if refuses else [("port", "instances/chat/port")])
    (fault,) = [reason for reason in against(nouns.chat(), found) if reason.code == "probe"]
    assert (fault.path, fault.found, fault.refuses) == (part, "OSError: no", refuses)
