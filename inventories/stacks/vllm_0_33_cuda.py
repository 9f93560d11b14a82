"""
vLLM 0.33 on CUDA 13.0, for x86_64 hosts with driver 580 and glibc 2.31 or newer.

The lock resolves and installs (8.85 GiB, measured with uv 0.13.8); this project has not yet run
it on a GPU. The canary model (``inventories/weights/canary.py``) tells whether it serves on yours.
"""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack

STACK = Stack(
    name="vllm-0.33-cuda",
    engine=Engine.VLLM,
    accelerator=Accelerator.CUDA,
    version="0.33.0",
    python="3.12",
    command=("-m", "vllm.entrypoints.cli.main", "serve"),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        glibc="2.31",
        as_of=date(2026, 11, 9),
    ),
    disk_gib=9,
    driver="580.65.06",
    # Triton calls gcc at run time, and nvcc wants g++ beside it.
    os_packages=("g++", "python3.12-dev"),
)
