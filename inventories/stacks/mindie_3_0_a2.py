"""
MindIE 3.0 from run packages, for an Atlas 800I A2 on aarch64: Ubuntu 22.04, openEuler 22.03.

Huawei's files are pinned by your own list of them, ``mindie_3_0_a2.sha256``. The lock resolves and
unpacks (1.76 GiB with byte code, measured with uv 0.13.8); this project has not run it on an NPU.
"""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack, installers

STACK = Stack(
    name="mindie-3.0-a2",
    engine=Engine.MINDIE,
    accelerator=Accelerator.ASCEND,
    version="3.0.0",
    python="3.11",
    command=("mindieservice_daemon",),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        arch="aarch64",
        glibc="2.34",
        as_of=date(2026, 6, 7),
    ),
    disk_gib=1.8,
    # Of Debian and Ubuntu; elsewhere have the same there.
    os_packages=("libpython3.11", "python3.11-venv"),
    installers=installers(
        Path(__file__).with_suffix(".sha256"),
        "Ascend-cann-toolkit_8.5.1_linux-aarch64.run",
        "Ascend-cann-910b-ops_8.5.1_linux-aarch64.run",
        "Ascend-cann-nnal_8.5.1_linux-aarch64.run",
        "Ascend-mindie_3.0.0_linux-aarch64_abi0.run",
        "Ascend-mindie-atb-models_3.0.0_linux-aarch64_py311_torch2.1.0-abi0.tar.gz",
    ),
)
