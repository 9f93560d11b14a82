"""Stacks that are images: what the host's own Python and glibc do not matter for, and what does."""

from typing import Any

from roles.preflight import Reason, against
from roles.spec import ContainerToolkit, HostSpec, Image, ImageArchive, Packages
from tests.roles import devices
from tests.roles.preflight import plans

H200 = plans.with_gpus(devices.gpu(0))
PULLED = Image(reference=f"openmmlab/lmdeploy@sha256:{'0' * 64}")
LOADED = Image(archive=ImageArchive(file="lmdeploy.tar.gz", sha256="1" * 64))
CONTAINERS = ContainerToolkit(version="1.18.0")


def _spec(image: Image, **fields: Any) -> HostSpec:
    (instance,) = plans.lmdeploy("0.18.0").instances
    stack = instance.stack.model_copy(update={"lock": image, "python": "3.13"})
    return plans.host(instance.model_copy(update={"stack": stack}), **fields)


def _refused(spec: HostSpec, found: dict[str, Any] = H200) -> dict[str, Reason]:
    return {reason.code: reason for reason in against(spec, found) if reason.refuses}


def test_what_is_in_the_image_need_not_be_on_the_host() -> None:
    old = H200 | {"system": H200["system"] | {"glibc": "2.17", "pythons": ["python3.6"]}}
    root = H200["disks"]["/opt/metalserve"] | {"free_mib": 2}
    full = old | {"disks": H200["disks"] | {"/opt/metalserve": root}}
    assert _refused(_spec(PULLED, containers=CONTAINERS), full) == {}


def _with(*packages: str) -> dict[str, Any]:
    known = {name: {"version": "1.18.0-1", "whole": True} for name in packages}
    return H200 | {"platform": H200["platform"] | {"cuda": {"packages": known}}}


def test_gpus_without_the_toolkit() -> None:
    toolkit = _refused(_spec(PULLED), _with("nvidia-open"))["container-toolkit"]
    assert "no nvidia-container-toolkit on the host, and none in the plan" in str(toolkit)
    assert "containers=ContainerToolkit(version=…)" in toolkit.remedy
    assert _refused(_spec(PULLED), _with("nvidia-container-toolkit")) == {}


def test_archive_needs_a_folder() -> None:
    archive = _refused(_spec(LOADED, containers=CONTAINERS))["archive"]
    assert archive.found == "lmdeploy.tar.gz and no folder that it could lie in"
    folder = Packages(folder="/srv/wheels")
    assert _refused(_spec(LOADED, containers=CONTAINERS, packages=folder)) == {}
