"""Containers: whether they would be shown the GPUs, and find their wheels or images."""

from collections.abc import Iterator
from typing import Any

from roles.preflight import seen
from roles.preflight.reason import Reason
from roles.spec import Accelerator, HostSpec, Image

_TOOLKIT = "nvidia-container-toolkit"


def reasons(spec: HostSpec, found: dict[str, Any]) -> Iterator[Reason]:
    """What speaks against the stacks of a host that are container images."""
    for stack in spec.installed:
        if not isinstance(stack.lock, Image):
            continue
        path = seen.where(stack, spec)
        if stack.lock.archive and not spec.packages.folder:
            yield Reason(
                code="archive",
                path=path,
                found=f"{stack.lock.archive.file} and no folder that it could lie in",
                wanted="the folder on the host that holds it",
                remedy="name it in the host's packages, as Packages(folder=…)",
            )
        files = (found["platform"] or {}).get("cuda") or {}
        packages = files.get("packages")
        if (
            spec.accelerator is Accelerator.CUDA
            and spec.containers is None
            and packages is not None
            and _TOOLKIT not in packages
        ):
            yield Reason(
                code="container-toolkit",
                path="containers",
                found=f"no {_TOOLKIT} on the host, and none in the plan",
                wanted=f"it, so that {stack.name} is shown the GPUs",
                remedy="give the host containers=ContainerToolkit(version=…)",
            )
