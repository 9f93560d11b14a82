"""What the probe said of a real H200, judged as it was judged there (``tests/gpu``)."""

import json
from pathlib import Path
from typing import Any

import pytest

from roles import preflight
from roles.spec import HostSpec
from tests.gpu import fits, too_new
from tests.roles import devices
from tests.roles.faked import bare

FOUND: dict[str, Any] = json.loads((Path(__file__).parent / "h200.json").read_text())


def _refusals(spec: HostSpec) -> dict[str, str]:
    reasons = preflight.against(spec, FOUND)
    return {reason.code: reason.found for reason in reasons if reason.refuses}


def _spec(plan: Any) -> HostSpec:
    ((_, data),) = plan.here
    spec = data["spec"]
    assert isinstance(spec, HostSpec)
    return spec


def test_fitting_pin() -> None:
    """Nothing but that the machine was not booted by systemd."""
    assert _refusals(_spec(fits)) == {"systemd": "systemd not running"}


def test_too_new_pin() -> None:
    assert _refusals(_spec(too_new)) == {
        "systemd": "systemd not running",
        "driver": "driver 580.159.04",
    }


def test_every_other_accelerator_test_has_this_shape() -> None:
    (real,) = FOUND["accelerators"]["cuda"]["devices"]
    assert sorted(real) == sorted(devices.gpu())
    assert sorted(FOUND["accelerators"]["cuda"]) == sorted(devices.cuda())
    # Asked for only since that probe.
    later = {"addresses"}
    assert {*FOUND["system"], *later} == set(bare()["system"])
    assert sorted(FOUND["accelerators"]["pci"][0]) == sorted(devices.card())


@pytest.mark.parametrize("key", ["ecc", "remapped_rows", "mig", "throttle", "recovery"])
def test_facts_of_a_healthy_card_are_known(key: str) -> None:
    (real,) = FOUND["accelerators"]["cuda"]["devices"]
    assert real[key] is not None
    assert (real["unknown"], real["error"]) == ({}, None)
