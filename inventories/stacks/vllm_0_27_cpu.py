"""vLLM 0.27 on CPU, for x86_64 hosts with glibc 2.34 or newer: slow, for trials."""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack

STACK = Stack(
    name="vllm-0.27-cpu",
    engine=Engine.VLLM,
    accelerator=Accelerator.CPU,
    version="0.27.1",
    python="3.11",
    command=("-m", "vllm.entrypoints.openai.api_server"),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"),
        glibc="2.34",
        as_of=date(2026, 8, 18),
    ),
    disk_gib=5.5,
    os_packages=("libnuma1",),
)
