"""This machine, with the CUDA stack of the example and the canary."""

from inventories.stacks import vllm_0_26_cuda
from inventories.weights import canary
from roles.spec import Accelerator, HostSpec, Instance, VllmOptions, inventory

_canary = Instance(
    name="canary",
    stack=vllm_0_26_cuda.STACK,
    weights=canary.WEIGHTS,
    options=VllmOptions(max_model_len=4096, images=1, videos=1),
    devices=(0,),
    port=8000,
)
(here,) = inventory({"@local": HostSpec(accelerator=Accelerator.CUDA, instances=(_canary,))})
