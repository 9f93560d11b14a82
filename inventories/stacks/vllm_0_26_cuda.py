"""
vLLM 0.26 on CUDA 13.0, for x86_64 hosts with driver 580 and glibc 2.31 or newer.

The lock resolves and installs (7.41 GiB, measured with uv 0.13.8). The canary model
(``inventories/weights/canary.py``) answered everything on an H100; it tells whether it does on
yours.
"""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack

STACK = Stack(
    name="vllm-0.26-cuda",
    engine=Engine.VLLM,
    accelerator=Accelerator.CUDA,
    version="0.26.0",
    python="3.12",
    command=("-m", "vllm.entrypoints.cli.main", "serve"),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        glibc="2.31",
        as_of=date(2026, 8, 1),
    ),
    disk_gib=7.5,
    driver="580.65.06",
    # Triton calls gcc at run time, and nvcc wants g++ beside it.
    os_packages=("g++", "python3.12-dev"),
)
