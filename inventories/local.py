"""The machine that pyinfra runs on, without an accelerator; a trial, as root and on Linux."""

from inventories.stacks import vllm_0_32_cpu
from inventories.weights import canary
from roles.spec import Accelerator, HostSpec, Instance, VllmOptions, inventory

_canary = Instance(
    name="canary",
    stack=vllm_0_32_cpu.STACK,
    weights=canary.WEIGHTS,
    options=VllmOptions(
        dtype="float32",
        max_model_len=1024,
        max_num_seqs=4,
        kv_cache_gib=1,
        images=1,
        videos=1,
        enforce_eager=True,
    ),
    port=8000,
)

(here,) = inventory({"@local": HostSpec(accelerator=Accelerator.CPU, instances=(_canary,))})
