"""vLLM 0.32 on CPU, for x86_64 hosts with glibc 2.34 or newer: slow, for trials."""

from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack

STACK = Stack(
    name="vllm-0.32-cpu",
    engine=Engine.VLLM,
    accelerator=Accelerator.CPU,
    version="0.32.0",
    python="3.11",
    command=("-m", "vllm.entrypoints.openai.api_server"),
    lock=Lock(file=Path(__file__).with_suffix(".txt"), glibc="2.34"),
    disk_gib=6,
    os_packages=("libnuma1",),
)
