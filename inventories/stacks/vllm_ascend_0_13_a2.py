"""
vLLM 0.13 with its plugin for Ascend over CANN 8.5.0, for Atlas 800I A2 (aarch64) with glibc 2.31 or
newer.

The lock resolves and its wheels unpack, to 3.1 GiB with what Python compiles of them (measured with
uv 0.13.8 on another machine); nothing of it has run on an NPU. The canary model
(``inventories/weights/canary.py``) tells whether it serves on yours. What ``sha256sum`` prints for
your copies of CANN belongs into ``vllm_ascend_0_13_a2.sha256``.
"""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack, installers

STACK = Stack(
    name="vllm-ascend-0.13-a2",
    engine=Engine.VLLM_ASCEND,
    accelerator=Accelerator.ASCEND,
    version="0.13.0",
    python="3.11",
    command=("-m", "vllm.entrypoints.cli.main", "serve"),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        arch="aarch64",
        glibc="2.31",
        as_of=date(2026, 2, 12),
    ),
    disk_gib=3.5,
    # Triton and CANN call compilers at run time, with the headers of Python.
    os_packages=("gcc", "g++", "libnuma1", "python3.11-dev"),
    installers=installers(
        Path(__file__).with_suffix(".sha256"),
        "Ascend-cann-toolkit_8.5.0_linux-aarch64.run",
        "Ascend-cann-910b-ops_8.5.0_linux-aarch64.run",
        "Ascend-cann-nnal_8.5.0_linux-aarch64.run",
    ),
)
