"""
vLLM 0.11 on CUDA 12.8, for x86_64 hosts with driver 525.60.13 and glibc 2.29 or newer.

The lock resolves and installs (9.11 GiB, measured with uv 0.13.8); this project has not yet run
it on a GPU. The canary model (``inventories/weights/canary.py``) tells whether it serves on yours.
"""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack

STACK = Stack(
    name="vllm-0.11-cuda",
    engine=Engine.VLLM,
    accelerator=Accelerator.CUDA,
    version="0.11.0",
    python="3.12",
    command=("-m", "vllm.entrypoints.cli.main", "serve"),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        glibc="2.28",
        as_of=date(2025, 10, 18),
    ),
    disk_gib=9.2,
    driver="525.60.13",
    # Triton calls gcc at run time, with the headers of Python.
    os_packages=("gcc", "python3.12-dev"),
)
