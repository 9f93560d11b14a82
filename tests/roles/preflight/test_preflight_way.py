"""Whether there is a way to the pinned driver is known before anything is touched."""

from typing import Any

import pytest

from roles.preflight import against
from roles.spec import CudaDriver, DriverPackages, HostSpec
from tests.roles import devices
from tests.roles.preflight import plans

FILES: dict[str, Any] = {
    "packages": {}, "library": "580.159.04", "module": "580.159.04", "loaded": "580.159.04",
    "nouveau_off": True, "persistence": "enabled", "cdi": None, "tools": ["gcc", "make", "dkms"],
}  # fmt: skip


def _spec() -> HostSpec:
    source = DriverPackages(names=("nvidia-open",))
    return plans.host(plans.instance(), driver=CudaDriver(version="580.159.04", source=source))


@pytest.mark.parametrize("files", [None, FILES])
def test_packages_over_a_vendors_file(files: dict[str, Any] | None) -> None:
    """The two overwrite each other's files, so that the run would stop there."""
    found = plans.with_gpus(devices.gpu(0))
    found["platform"]["cuda"] = files
    told = [one for one in against(_spec(), found) if one.code == "platform"]
    assert [one.refuses for one in told] == ([True] if files else [])
    for one in told:
        assert one.path == "driver"
        assert one.found.startswith("driver 580.159.04 was installed by NVIDIA's own installer")


def test_nothing_is_asked_of_a_host_without_a_driver_of_ours() -> None:
    found = plans.with_gpus(devices.gpu(0))
    found["platform"]["cuda"] = FILES
    told = against(plans.host(plans.instance()), found)
    assert "platform" not in {one.code for one in told}
