"""Work on NPUs takes chips that nobody uses, and no others."""

from typing import Any

import idle
import jobs
import npu_smi
import pytest

SERVING = {"pid": 7, "name": "python", "unit": "metalserve-mindie@chat.service"}


def duo(logic: int, **fields: Any) -> dict[str, Any]:
    """Return a chip of an Atlas 300I DUO as npu-smi tells of it."""
    right = {"logic": logic, "kind": "duo", "name": "310P3", "health": "OK", "processes": []}
    return right | fields


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What npu-smi tells: four idle chips."""
    devices = [duo(logic) for logic in range(4)]
    monkeypatch.setattr(
        npu_smi, "read", lambda: {"devices": devices, "error": {"text": "npu-smi is not there"}}
    )
    return devices


def test_preferred_ones_first(told: list[dict[str, Any]]) -> None:
    assert idle.chips(2, [2, 3]) == [2, 3]
    told[3] = duo(3, processes=[SERVING])
    assert idle.chips(2, [2, 3]) == [0, 2]
    assert idle.chips(3, [2, 3]) == [0, 1, 2]


def test_what_speaks_against_each_other(told: list[dict[str, Any]]) -> None:
    told[:] = [
        duo(0, health="Alarm"),
        duo(1, processes=None),
        duo(2, processes=[SERVING | {"unit": None}]),
        duo(3),
        duo(4, kind="a2", name="910B4"),
        duo(5, processes=[SERVING]),
    ]
    with pytest.raises(jobs.JobError) as caught:
        idle.chips(2, [])
    assert str(caught.value) == (
        "it takes 2 idle chips of an Atlas 300I DUO and 1 of 6 are idle (chip 0: health Alarm; "
        "chip 1: npu-smi does not tell who uses it; chip 2: python (pid 7); "
        "chip 4: 910B4, not of an Atlas 300I DUO; "
        "chip 5: metalserve-mindie@chat.service (pid 7)); stop what is on the others for as long "
        "as this takes, and run again"
    )


def test_chip_without_a_number(told: list[dict[str, Any]]) -> None:
    told[:] = [duo(0) | {"logic": None}]
    with pytest.raises(jobs.JobError, match="chip None: without a logic id"):
        idle.chips(1, [])


def test_no_chips(told: list[dict[str, Any]]) -> None:
    told.clear()
    with pytest.raises(jobs.JobError, match="npu-smi shows no chips: npu-smi is not there"):
        idle.chips(1, [])
