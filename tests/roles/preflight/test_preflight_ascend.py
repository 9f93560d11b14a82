"""Ascend: driver and firmware, chips, rows of versions; what just fits and just does not."""

from typing import Any

import pytest

from roles.preflight import against
from roles.spec import AscendHdk, Engine, Stack
from tests.roles import devices
from tests.roles.preflight import plans
from tests.roles.preflight.plans import Found, codes_of, reasons_of

HDK = devices.ascend()["hdk"]
READY = plans.ascend(ready_for=(plans.mindie_stack(),))


def _hdk(**fields: Any) -> Found:
    return plans.with_npus(devices.npu(0), hdk=HDK | fields)


def _planned(driver: str = "25.5.1", chip: str = "910b") -> AscendHdk:
    return AscendHdk(
        driver=plans.installer(f"Ascend-hdk-{chip}-npu-driver_{driver}_linux-aarch64.run"),
        firmware=plans.installer(f"Ascend-hdk-{chip}-npu-firmware_7.8.0.5.216.run"),
    )


@pytest.mark.parametrize(
    ("fields", "refused"),
    [
        ({}, []),
        ({"firmware": "7.0.0"}, []),
        ({"firmware": "6.4.0.4.220"}, ["hdk"]),
        ({"driver": "25.5.0", "loaded": "25.5.0"}, []),
        ({"driver": "23.0.7", "loaded": "23.0.7"}, ["hdk"]),
        ({"driver": "24.1.rc3", "loaded": "24.1.rc3"}, []),
        ({"loaded": "25.0.rc1.1"}, ["hdk"]),
        ({"loaded": None}, []),
        ({"compatible_firmware": [], "firmware": "1.0"}, []),
        ({"driver": None}, ["driver"]),
    ],
)
def test_driver_and_firmware(fields: Found, refused: list[str]) -> None:
    """Each names the versions of the other that it works with."""
    assert codes_of(READY, _hdk(**fields)) == refused


def test_firmware_without_a_version() -> None:
    assert codes_of(READY, _hdk(firmware=None), refuses=False) == ["hdk"]


def test_a_planned_driver_is_judged_after_it_is_there() -> None:
    spec = plans.ascend(ready_for=(plans.mindie_stack(),), driver=_planned(), may_reboot=True)
    for found in (
        _hdk(firmware="6.4.0.4.220"),
        _hdk(driver=None, loaded=None),
        plans.with_npus(error={"code": -8005, "name": None, "text": "no"}),
        plans.a2(1) | {"accelerators": plans.a2(1)["accelerators"] | {"ascend": None}},
    ):
        assert codes_of(spec, found) == []


def test_a_first_driver_needs_a_restart() -> None:
    found = plans.a2(1) | {"accelerators": plans.a2(1)["accelerators"] | {"ascend": None}}
    assert codes_of(plans.ascend(driver=_planned()), found, refuses=False) == ["reboot"]
    assert codes_of(plans.ascend(driver=_planned()), plans.a2(1), refuses=False) == []


def test_chip_by_pci_ids() -> None:
    """Without a driver, what is plugged in says which chip it is."""
    found = plans.a2(1) | {"accelerators": plans.a2(1)["accelerators"] | {"ascend": None}}
    spec = plans.ascend(driver=_planned(chip="310p"), may_reboot=True)
    assert codes_of(spec, found) == ["chip", "chip"]
    assert codes_of(plans.ascend(driver=_planned(), may_reboot=True), found) == []


def test_chip_that_is_not_known() -> None:
    found = plans.a2(1, name="950X", kind="unknown")
    assert (codes_of(READY, found), codes_of(READY, found, refuses=False)) == ([], ["chip"])


@pytest.mark.parametrize(
    ("os", "version", "kind", "remarks"),
    [
        ("ubuntu", "22.04", "a2", []),
        ("ubuntu", "20.04", "a2", ["os"]),
        ("ubuntu", "20.04", "duo", []),
        ("openEuler", "24.03", "a2", []),
        ("kylin", "V10", "duo", []),
        ("debian", "12", "duo", ["os"]),
        ("debian", "10.8", "duo", []),
        ("arch", "", "310p", []),
    ],
)
def test_os(os: str, version: str, kind: str, remarks: list[str]) -> None:
    system = {"os": {"id": os, "version": version}}
    npu = devices.npu(0) if kind == "a2" else plans.duo(0, kind=kind)
    spec = plans.ascend(driver=_planned(chip="910b" if kind == "a2" else "310p"))
    assert codes_of(spec, plans.with_npus(npu, system=system), refuses=False) == remarks


def test_os_of_another_arch() -> None:
    found = plans.with_npus(devices.npu(0), system={"arch": "x86_64"})
    (reason,) = reasons_of(
        "os", plans.ascend(ready_for=(plans.mindie_stack(installers=()),)), found
    )
    assert (reason.found, reason.wanted) == ("ubuntu 24.04 on x86_64", "aarch64 for Atlas 800I A2")
    found = plans.with_npus(devices.npu(0), system={"os": {"id": "debian", "version": "12"}})
    (reason,) = reasons_of("os", READY, found)
    assert reason.wanted.startswith(
        "for Atlas 800I A2 on aarch64: ubuntu 22.04 or 24.04, openeuler 22.03 or 24.03, "
    )


def test_driver_for_a_group() -> None:
    assert codes_of(READY, _hdk(for_all=False), refuses=False) == ["hdk-users"]


@pytest.mark.parametrize(
    ("version", "over", "fields", "refused", "remarks"),
    [
        ("3.0.0", "8.5.1", {}, [], []),
        ("3.0.0", "8.5.0", {}, ["cann"], []),
        ("3.0.0", "8.5.1", {"python": "3.12"}, ["cann"], []),
        ("3.0.0", "8.5.1", {"lock": "vllm-ascend-0.13.0"}, ["cann"], []),
        ("2.1.RC1", "8.2.RC1", {}, [], ["cann"]),
        ("2.1.RC1", "8.1.RC1", {}, [], ["cann", "cann"]),
        ("2.1.RC2", "8.2.RC1", {}, [], []),
        ("2.3.0", "8.5.0", {}, [], []),
        ("2.3.0", "8.3.RC1", {}, [], ["cann"]),
        ("3.1.0", "9.0.0", {}, [], ["not-in-table"]),
    ],
)
def test_rows_of_mindie(
    version: str, over: str, fields: Found, refused: list[str], remarks: list[str]
) -> None:
    """The vendor's word refuses; a report is told. The driver of a row is only ever told."""
    spec = plans.ascend(ready_for=(plans.mindie_stack(version, over=over, **fields),))
    found = plans.a2(1)
    assert (codes_of(spec, found), codes_of(spec, found, refuses=False)) == (refused, remarks)


def test_torch_of_an_ubuntu() -> None:
    for version, lock, refused in (
        ("22.04", "mindie-2.1", []), ("22.04", "mindie-3.0.0", ["cann"]),
        ("24.04", "mindie-2.1", ["cann"]), ("24.04", "mindie-3.0.0", []),
    ):  # fmt: skip
        os = {"id": "ubuntu", "version": version}
        found = plans.with_npus(devices.npu(0), system={"os": os})
        assert codes_of(plans.ascend(ready_for=(plans.mindie_stack(lock=lock),)), found) == refused


def _vllm_ascend(version: str, over: str, **fields: Any) -> Stack:
    installers = plans.cann(over)
    accepts = plans.CRITICAL
    return plans.stack(
        Engine.VLLM_ASCEND, version, **{"installers": installers, "accepts": accepts} | fields
    )


@pytest.mark.parametrize(
    ("version", "over", "fields", "wanted"),
    [
        ("0.18.0", "8.5.1", {}, []),
        ("0.13.0", "8.5.0", {}, []),
        ("0.18.0", "8.5.0", {}, ["CANN 8.5.1 with vllm-ascend 0.18.0"]),
        ("0.18.0", "9.0.0", {}, ["torch-npu 2.9.0.post2 with vllm-ascend 0.18.0"]),
        ("0.18.0", "9.0.0", {"lock": "vllm-ascend-0.18.0-duo"}, []),
        (
            "0.13.0",
            "8.5.0",
            {"lock": "vllm-ascend-0.13.0-triton"},
            ["triton-ascend 3.2.0 with vllm-ascend 0.13.0"],
        ),
        ("0.18.0", "8.5.1", {"python": "3.12"}, ["Python 3.10 or newer, older than 3.12, with"]),
        (
            "0.18.0",
            "8.5.1",
            {"lock": "vllm-ascend-0.13.0"},
            ["vllm 0.18.0 with", "torch 2.9.0 with", "torch-npu 2.9.0.post1 with"],
        ),
        (
            "0.18.0",
            "8.5.1",
            {"lock": "mindie-3.0.0"},
            ["vllm 0.18.0 with", "torch-npu 2.9.0.post1 with"],
        ),
    ],
)
def test_whole_rows_of_vllm_ascend(
    version: str, over: str, fields: Found, wanted: list[str]
) -> None:
    spec = plans.ascend(ready_for=(_vllm_ascend(version, over, **fields),))
    told = [reason.wanted for reason in against(spec, plans.a2(1)) if reason.refuses]
    assert len(told) == len(wanted)
    assert all(words in line for words, line in zip(wanted, told, strict=True)), told


@pytest.mark.parametrize(
    ("files", "refused"),
    [
        (("toolkit_8.3.RC2", "kernels-910b_8.3.RC2"), []),
        (("toolkit_8.3.RC2", "910b-ops_8.3.RC2"), ["cann"]),
        (("toolkit_8.5.0", "910b-ops_8.5.0"), []),
        (("toolkit_8.5.0.alpha001", "910b-ops_8.5.0.alpha001"), []),
        (("toolkit_8.5.0", "kernels-910b_8.5.0"), ["cann"]),
        (("toolkit_8.5.0",), ["cann"]),
    ],
)
def test_kernels_became_ops(files: tuple[str, ...], refused: list[str]) -> None:
    installers = tuple(plans.installer(f"Ascend-cann-{file}_linux-aarch64.run") for file in files)
    stack = plans.mindie_stack("3.1.0", installers=installers)
    assert codes_of(plans.ascend(ready_for=(stack,)), plans.a2(1)) == refused


@pytest.mark.parametrize(
    ("size", "on", "where", "refused"),
    [
        ("8b", 1, "a2", []),
        ("8b", 8, "duo", []),
        ("30b-a3b", 2, "a2", []),
        ("30b-a3b", 1, "a2", ["world-size", "memory"]),
        ("32b", 1, "duo", ["world-size", "memory"]),
        ("32b", 2, "duo", []),
    ],
)
def test_world_sizes(size: str, on: int, where: str, refused: list[str]) -> None:
    """Chips count, and the two of a DUO are two."""
    lock = {"chip": "310p", "lock": "mindie-2.1"} if where == "duo" else {}
    found = plans.duos(4) if where == "duo" else plans.a2(8)
    spec = plans.mindie(size, on=on, stack=plans.mindie_stack(**lock), npu_mem_size=2)
    assert codes_of(spec, found) == refused


@pytest.mark.parametrize(
    ("shape", "where", "refused"),
    [
        ("8b-w8a8", "a2", []),
        ("8b-w8a8", "duo", []),
        ("8b-w8a8sc", "duo", []),
        ("8b-w8a8sc", "a2", ["model-quantization"]),
        ("8b-w8a8s", "duo", ["model-quantization"]),
    ],
)
def test_quantised(shape: str, where: str, refused: list[str]) -> None:
    lock = {"chip": "310p", "lock": "mindie-2.1"} if where == "duo" else {}
    found = plans.duos(1) if where == "duo" else plans.a2(2)
    weights = plans.weights("8b", shape=shape)
    spec = plans.mindie(on=2, stack=plans.mindie_stack(**lock), weights_of=weights)
    assert codes_of(spec, found) == refused


def test_shape_without_a_row() -> None:
    """A model that MindIE's table does not have is told to be unknown."""
    (one,) = plans.mindie(on=1).instances
    found = plans.with_npus(plans.duo(0, kind="310p"), system={"os": {"id": "x", "version": "1"}})
    spec = plans.ascend(one.model_copy(update={"stack": plans.mindie_stack(chip="310p")}))
    assert "not-in-table" in codes_of(spec, found, refuses=False)


def test_chips_of_a_card() -> None:
    spec = plans.mindie(on=2, stack=plans.mindie_stack(chip="310p", lock="mindie-2.1"))
    assert "half-a-card" not in codes_of(spec, plans.duos(2), refuses=False)
    (one,) = spec.instances
    split = plans.ascend(one.model_copy(update={"devices": (0, 2)}))
    (reason,) = reasons_of("half-a-card", split, plans.duos(2))
    assert reason.found == "one chip of card 0, 1"


def test_kinds_in_one_instance() -> None:
    """The chips of one DUO show different memory, and are alike."""
    found = plans.with_npus(devices.npu(0), plans.duo(0, logic=1))
    assert "mixed-devices" in codes_of(plans.mindie(on=2), found)
    assert "mixed-devices" not in codes_of(plans.mindie(on=2), plans.duos(1))
