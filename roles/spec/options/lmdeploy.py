"""Options of LMDeploy."""

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field

from roles.spec.base import Fault, Spec, Variable
from roles.spec.options import extra
from roles.spec.stack import Engine

_RENDERED = (
    *("api-keys", "server-name", "server-port", "model-name", "backend", "dtype", "session-len"),
    *("max-batch-size", "tp", "cache-max-entry-count", "quant-policy", "model-format"),
    *("distributed-executor-backend", "eager-mode"),
)


class LmdeployOptions(Spec):
    """
    Options of ``lmdeploy serve api_server``, by its own names.

    :param session_len: tokens of prompt and answer together
    :param max_batch_size: requests worked on at once
    :param tp: devices that share the model
    :param cache_max_entry_count: share of the memory that is free after loading, for the cache
    :param distributed_executor_backend: what holds the processes of the PyTorch engine together;
        ``uni`` for one device and ``ray`` for several unless given. ``mp`` is known to hang
    :param eager_mode: no CUDA graphs: a faster start, slower answers
    :param images: images that one request may hold; what preflight counts with, LMDeploy has no
        such limit
    :param videos: videos that one request may hold, likewise
    :param environment: further variables of the server's process
    :param extra: further words of the command line, as the pinned version spells them
    """

    COUNTS_DEVICES: ClassVar[str] = "tp"

    engine: Literal[Engine.LMDEPLOY] = Engine.LMDEPLOY
    backend: Literal["pytorch", "turbomind"] = "pytorch"
    dtype: Literal["auto", "bfloat16", "float16"] = "auto"
    session_len: int = Field(ge=16)
    max_batch_size: int = Field(default=64, ge=1)
    tp: int = Field(default=1, ge=1)
    cache_max_entry_count: float = Field(default=0.8, gt=0, lt=1)
    quant_policy: Literal[0, 4, 8] = 0
    model_format: Literal["hf", "awq", "gptq", "fp8"] | None = None
    distributed_executor_backend: Literal["uni", "mp", "ray"] | None = None
    eager_mode: bool = False
    images: int = Field(default=0, ge=0)
    videos: int = Field(default=0, ge=0)
    environment: dict[Variable, str] = Field(default_factory=dict, repr=False)
    extra: tuple[str, ...] = Field(default=(), repr=False)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self.session_len

    @property
    def concurrency(self) -> int:
        """Requests worked on at once."""
        return self.max_batch_size

    @property
    def executor(self) -> str:
        """What holds the processes of the PyTorch engine together."""
        return self.distributed_executor_backend or ("uni" if self.tp == 1 else "ray")

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if self.executor == "uni" and self.tp > 1:
            yield Fault(
                path="distributed_executor_backend",
                wrong=f"is uni for {self.tp} devices",
                right="leave it out, which is ray, or give mp",
            )
        yield from extra.refusals(self.extra, _RENDERED)
