"""
LMDeploy 0.18 on CUDA 13.0, for x86_64 hosts with driver 580 and glibc 2.28 or newer.

The lock resolves and installs (7.33 GiB, measured with uv 0.13.8). The canary model answered
everything on an H100, there with torch 2.11.0 in place of the lock's.
"""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack

STACK = Stack(
    name="lmdeploy-0.18-cuda",
    engine=Engine.LMDEPLOY,
    accelerator=Accelerator.CUDA,
    version="0.18.0",
    python="3.12",
    command=("-m", "lmdeploy", "serve", "api_server"),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        glibc="2.28",
        as_of=date(2026, 10, 5),
    ),
    disk_gib=7.5,
    driver="580.65.06",
    # Triton calls gcc at run time, with the headers of Python.
    os_packages=("gcc", "python3.12-dev"),
)
