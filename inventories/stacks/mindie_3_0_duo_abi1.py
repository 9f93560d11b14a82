"""
MindIE 3.0 from run packages, for an Atlas 300I DUO on aarch64: Ubuntu 24.04.

Ubuntu 24.04 has no Python 3.11 of its own, put one there first; Huawei lists it for the Atlas 800I
A2 alone. Huawei's files are pinned by your own list of them, ``mindie_3_0_duo_abi1.sha256``. The
lock resolves and unpacks (1.98 GiB with byte code, measured with uv 0.13.8); this project has not
run it on an NPU.
"""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack, installers

STACK = Stack(
    name="mindie-3.0-duo-abi1",
    engine=Engine.MINDIE,
    accelerator=Accelerator.ASCEND,
    version="3.0.0",
    python="3.11",
    command=("mindieservice_daemon",),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        arch="aarch64",
        glibc="2.38",
        as_of=date(2026, 6, 7),
    ),
    disk_gib=2.0,
    # Of Debian and Ubuntu; elsewhere have the same there.
    os_packages=("cmake", "g++", "make"),
    installers=installers(
        Path(__file__).with_suffix(".sha256"),
        "Ascend-cann-toolkit_8.5.1_linux-aarch64.run",
        "Ascend-cann-310p-ops_8.5.1_linux-aarch64.run",
        "Ascend-cann-nnal_8.5.1_linux-aarch64.run",
        "Ascend-mindie_3.0.0_linux-aarch64_abi1.run",
        "Ascend-mindie-atb-models_3.0.0_linux-aarch64_py311_torch2.9.0-abi1.tar.gz",
    ),
)
