"""Options of LMDeploy."""

from typing import ClassVar, Literal

from pydantic import Field

from roles.spec.base import Spec
from roles.spec.stack import Engine


class LmdeployOptions(Spec):
    """
    Options of ``lmdeploy serve api_server``, by its own names.

    :param session_len: tokens of prompt and answer together
    :param max_batch_size: requests worked on at once
    :param tp: devices that share the model
    :param cache_max_entry_count: share of the memory that is free after loading, for the cache
    :param images: images that one request may hold
    :param videos: videos that one request may hold
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
    images: int = Field(default=0, ge=0)
    videos: int = Field(default=0, ge=0)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self.session_len

    @property
    def concurrency(self) -> int:
        """Requests worked on at once."""
        return self.max_batch_size
