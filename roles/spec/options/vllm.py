"""Options of vLLM, and of vLLM on Ascend."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from roles.spec.base import Fault, Spec, Variable
from roles.spec.options import extra
from roles.spec.stack import Engine

_RENDERED = (
    *("api-key", "config", "host", "model", "port", "served-model-name"),
    *("dtype", "enforce-eager", "no-enforce-eager", "gpu-memory-utilization", "max-model-len"),
    *("max-num-seqs", "limit-mm-per-prompt", "shutdown-timeout", "tensor-parallel-size", "tp"),
    *(
        "pipeline-parallel-size",
        "pp",
        "nnodes",
        "n",
        "node-rank",
        "r",
        "master-addr",
        "master-port",
    ),
    *("headless",),
)


class VllmOptions(Spec):
    """
    Options of ``vllm serve``.

    :param engine: vLLM's own, or its plugin for Ascend
    :param max_model_len: tokens of prompt and answer together
    :param max_num_seqs: requests worked on at once
    :param tensor_parallel_size: devices that share each layer
    :param pipeline_parallel_size: parts that the layers are shared out to, one after the other
    :param gpu_memory_utilization: share of each device's memory; no meaning on a CPU
    :param kv_cache_gib: key-value cache; on a CPU only
    :param images: images that one request may hold
    :param videos: videos that one request may hold
    :param environment: further variables of the server's process
    :param extra: further words of the command line, as the pinned version spells them
    """

    COUNTS_DEVICES: ClassVar[str] = "tensor_parallel_size"

    engine: Literal[Engine.VLLM, Engine.VLLM_ASCEND] = Engine.VLLM
    dtype: Literal["auto", "bfloat16", "float16", "float32"] = "auto"
    max_model_len: int = Field(ge=16)
    max_num_seqs: int = Field(default=64, ge=1)
    tensor_parallel_size: int = Field(default=1, ge=1)
    pipeline_parallel_size: int = Field(default=1, ge=1)
    gpu_memory_utilization: float = Field(default=0.9, gt=0, lt=1)
    kv_cache_gib: int | None = Field(default=None, ge=1)
    images: int = Field(default=0, ge=0)
    videos: int = Field(default=0, ge=0)
    enforce_eager: bool = False
    environment: dict[Variable, str] = Field(default_factory=dict, repr=False)
    extra: tuple[str, ...] = Field(default=(), repr=False)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self.max_model_len

    @property
    def workers(self) -> int:
        """Processes that compute, one a device."""
        return self.tensor_parallel_size * self.pipeline_parallel_size

    @property
    def concurrency(self) -> int:
        """Requests worked on at once."""
        return self.max_num_seqs

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        yield from extra.refusals(self.extra, _RENDERED)
