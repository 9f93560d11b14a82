"""This machine, with the same stack as if it wanted a driver newer than there is."""

from inventories.stacks import vllm_0_26_cuda
from inventories.weights import canary
from roles.spec import Accelerator, HostSpec, Instance, VllmOptions, inventory

_canary = Instance(
    name="canary",
    stack=vllm_0_26_cuda.STACK.model_copy(update={"driver": "999.99.99"}),
    weights=canary.WEIGHTS,
    options=VllmOptions(max_model_len=4096, images=1, videos=1),
    devices=(0,),
    port=8000,
)
(here,) = inventory({"@local": HostSpec(accelerator=Accelerator.CUDA, instances=(_canary,))})
