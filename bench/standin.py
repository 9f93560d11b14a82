"""The stand-in of an engine, as a stack."""

from pathlib import Path

from inventories.stacks import vllm_0_32_cpu
from roles.spec import Lock, Stack


def stack(lock: Path) -> Stack:
    """Return the stack that a lock of the stand-in's wheels makes."""
    real = vllm_0_32_cpu.STACK
    return Stack(
        name="standin-0.32",
        engine=real.engine,
        accelerator=real.accelerator,
        version=real.version,
        python=real.python,
        command=real.command,
        lock=Lock(file=lock),
        disk_gib=0.05,
    )
