"""The health gate: what counts as failing, what is told, and where instances move."""

from typing import Any

import pytest

from roles.preflight import against, placed
from roles.spec import HostSpec
from tests.roles import devices
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found, reasons_of

GPU = devices.gpu()


def _xid(number: int, slot: str = "0000:06:00") -> Found:
    return {"at_s": 1.0, "slot": slot, "xid": number, "text": "NVRM says so"}


FAILING = [
    ({"ecc": GPU["ecc"] | {"uncorrected": 1}}, [], "1 uncorrectable ECC error(s)"),
    ({"remapped_rows": GPU["remapped_rows"] | {"pending": True}}, [], "waits for a reset"),
    ({"remapped_rows": GPU["remapped_rows"] | {"failure": True}}, [], "could not be remapped"),
    (
        {"retired_pages": {"single_bit": 0, "double_bit": 1, "pending": True}},
        [],
        "pages that wait for a reset",
    ),
    ({"recovery": "drain-and-reset"}, [], "recovery action drain-and-reset"),
    ({"error": {"code": 15, "name": "gpu-is-lost", "text": "GPU is lost"}}, [], "GPU is lost"),
    ({}, [_xid(79)], "Xid 79"),
    ({}, [_xid(48)], "Xid 48"),
    ({}, [_xid(119, "0000:06:00.0")], "Xid 119"),
]
FINE = [
    ({}, []),
    ({"ecc": None, "remapped_rows": None, "recovery": None, "unsupported": ["a", "b"]}, []),
    ({"ecc": GPU["ecc"] | {"uncorrected": None, "uncorrected_lifetime": 3}}, []),
    ({"ecc": GPU["ecc"] | {"enabled": False}}, []),
    ({"remapped_rows": GPU["remapped_rows"] | {"correctable": 2, "uncorrectable": 1}}, []),
    ({"retired_pages": {"single_bit": 1, "double_bit": 1, "pending": False}}, []),
    ({}, [_xid(13), _xid(31)]),
    ({}, [_xid(79, "0000:99:00")]),
    ({"nvlink": [{"link": 0, "active": False}, {"link": 1, "active": False}]}, []),
    ({"throttle": ["idle", "power-cap"]}, []),
]


@pytest.mark.parametrize(("fields", "xids", "words"), FAILING)
def test_failing_gpu(fields: Found, xids: list[Found], words: str) -> None:
    found = plans.with_gpus(devices.gpu(0, **fields), xids=xids)
    (reason,) = reasons_of("device-failing", plans.one(), found)
    assert words in reason.found
    assert (reason.path, reason.refuses) == ("instances/chat/devices", True)
    assert reason.found.endswith("on device 0 (NVIDIA H200)")


@pytest.mark.parametrize(("fields", "xids"), FINE)
def test_fine_gpu(fields: Found, xids: list[Found]) -> None:
    """What a card does not have is a fact; what was cured once stays in its counters."""
    assert against(plans.one(), plans.with_gpus(devices.gpu(0, **fields), xids=xids)) == []


@pytest.mark.parametrize(
    ("fields", "cuda", "words"),
    [
        (
            {"unknown": {"nvmlDeviceGetEccMode": "Unknown Error"}},
            {},
            "no answer to nvmlDeviceGetEcc",
        ),
        ({"throttle": ["hw-thermal"]}, {}, "slowed down by hardware (hw-thermal)"),
        (
            {"nvlink": [{"link": 0, "active": True}, {"link": 1, "active": False}]},
            {},
            "NVLink 1 down",
        ),
        ({}, {"xids": [_xid(94)]}, "Xid 94"),
        ({}, {"xids": None}, "no kernel log"),
    ],
)
def test_told_and_used_all_the_same(fields: Found, cuda: Found, words: str) -> None:
    """Unknown is not fine: it is named."""
    told = against(plans.one(), plans.with_gpus(devices.gpu(0, **fields), **cuda))
    assert [(reason.code, reason.refuses, words in reason.found) for reason in told] == [
        ("device-health", False, True)
    ]


@pytest.mark.parametrize("health", ["Warning", "Alarm", "Critical", "UNKNOWN", "4106296", "ok"])
def test_failing_npu(health: str) -> None:
    (reason,) = reasons_of("device-failing", plans.mindie(), plans.a2(2, health=health))
    assert reason.found == f"health {health} on device 0 (910B4)"


def test_link_between_hosts_that_is_down() -> None:
    """It is looked at where an instance has more than one chip."""
    found = plans.a2(2)
    for device in found["accelerators"]["ascend"]["devices"]:
        device["roce"] = "DOWN"
    assert reasons_of("device-failing", plans.mindie(), found) == []
    assert len(reasons_of("device-failing", plans.mindie(on=2), found)) == 2


def test_line_that_nobody_understood() -> None:
    found = plans.with_npus(devices.npu(0), unknown=["| 7 | strange |"])
    (reason,) = reasons_of("device-health", plans.mindie(), found)
    assert (reason.found, reason.refuses) == ("'| 7 | strange |' of npu-smi", False)


def _fleet(*failing: int, count: int = 4, **fields: Any) -> Found:
    return plans.with_gpus(
        *(
            devices.gpu(index, **({"recovery": "reset"} if index in failing else {}), **fields)
            for index in range(count)
        )
    )


def _moving(on: tuple[int, ...] = (0,), **fields: Any) -> HostSpec:
    one = plans.instance(on=len(on), devices=on, failing_device="move", **fields)
    return plans.host(one, plans.instance(name="draw", devices=(1,), port=8001))


def test_moves_to_the_lowest_that_nobody_uses() -> None:
    spec, moves = placed(_moving(), _fleet(0))
    assert [one.devices for one in spec.instances] == [(2,), (1,)]
    assert [str(move) for move in moves] == [
        "instances/chat/devices: found recovery action reset on device 0 (NVIDIA H200), wanted a "
        "healthy device; it is given device 2 in its place; repair device 0 [device-moved]"
    ]
    assert [reason.code for reason in against(_moving(), _fleet(0)) if reason.refuses] == []


def test_stays_there() -> None:
    """The same in every run, and nothing more happens to a plan that was placed."""
    spec, _ = placed(_moving(), _fleet(0))
    assert placed(_moving(), _fleet(0))[0] == spec
    assert placed(spec, _fleet(0)) == (spec, [])
    unit = "metalserve-vllm@chat.service"
    there = _fleet(0)
    there["accelerators"]["cuda"]["devices"][2]["processes"] = [
        {"pid": 7, "name": "python3", "mib": 900, "unit": unit}
    ]
    there["instances"] = {"chat": {"unit": unit}}
    assert placed(_moving(), there)[0] == spec


def test_goes_back_when_it_is_repaired() -> None:
    spec = _moving()
    assert placed(spec, _fleet()) == (spec, [])


def test_only_what_fails_moves() -> None:
    spec, _ = placed(_moving(on=(0, 2)), _fleet(2, count=6))
    assert spec.instances[0].devices == (0, 3)


def test_two_do_not_move_to_one_place() -> None:
    spec = plans.host(
        plans.instance(failing_device="move"),
        plans.instance(name="draw", devices=(1,), port=8001, failing_device="move"),
    )
    moved, _ = placed(spec, _fleet(0, 1))
    assert [one.devices for one in moved.instances] == [(2,), (3,)]


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "NVIDIA H100"},
        {"total_mib": 81559},
        {"recovery": "reset"},
        {"unknown": {"nvmlDeviceGetEccMode": "Unknown Error"}},
        {"processes": [{"pid": 9, "name": "ollama", "mib": 1, "unit": "ollama.service"}]},
    ],
)
def test_place_that_will_not_do(fields: Found) -> None:
    """Another kind of card, one that fails or may fail, one that somebody uses."""
    found = _fleet(0, count=3)
    found["accelerators"]["cuda"]["devices"][2] |= fields
    spec, moves = placed(_moving(), found)
    assert (spec, moves) == (_moving(), [])
    (reason,) = reasons_of("device-failing", _moving(), found)
    assert reason.remedy == "repair it: no healthy NVIDIA H200 is left that no instance uses"


def test_one_that_does_not_say_what_it_is() -> None:
    """It is taken for what all the others are, where they are alike."""
    found = _fleet()
    lost = {
        "name": None,
        "total_mib": None,
        "free_mib": None,
        "error": {"code": 15, "text": "lost"},
    }
    found["accelerators"]["cuda"]["devices"][0] |= lost
    assert placed(_moving(), found)[0].instances[0].devices == (2,)
    found["accelerators"]["cuda"]["devices"][3]["name"] = "NVIDIA H100"
    assert placed(_moving(), found)[0] == _moving()


def test_a_lost_one_is_not_another_kind() -> None:
    found = _fleet()
    lost = {
        "name": None,
        "total_mib": None,
        "free_mib": None,
        "error": {"code": 15, "text": "lost"},
    }
    found["accelerators"]["cuda"]["devices"][1] |= lost
    told = against(plans.one(on=2), found)
    assert [reason.code for reason in told if reason.refuses] == ["device-failing"]


def test_refuses_unless_it_may_move() -> None:
    spec = plans.host(plans.instance())
    assert placed(spec, _fleet(0)) == (spec, [])
    (reason,) = reasons_of("device-failing", spec, _fleet(0))
    assert reason.remedy == (
        "repair it, name another device, or let the instance move (failing_device)"
    )


def test_failing_device_that_nobody_uses() -> None:
    told = against(plans.one(), _fleet(3))
    assert [(reason.code, reason.path, reason.refuses) for reason in told] == [
        ("device-quarantined", "devices/3", False)
    ]


def test_moved_device_is_told_once() -> None:
    """As moved from, and as quarantined: that it is not used is what the second one says."""
    told = [reason.code for reason in against(_moving(), _fleet(0)) if not reason.refuses]
    assert told == ["device-moved", "device-quarantined"]


def test_npu_moves_too() -> None:
    found = plans.a2(4)
    found["accelerators"]["ascend"]["devices"][0]["health"] = "Alarm"
    (one,) = plans.mindie().instances
    spec, _ = placed(plans.ascend(one.model_copy(update={"failing_device": "move"})), found)
    assert spec.instances[0].devices == (1,)


def test_host_without_accelerators_to_judge() -> None:
    from tests.deploy.right_plans import RIGHT

    spec, found = RIGHT["canary-on-a-cpu"]
    assert placed(spec, found) == (spec, [])
