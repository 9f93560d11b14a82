"""Options of Ollama."""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from roles.spec.base import Fault, Spec, Variable, spelled
from roles.spec.options import extra
from roles.spec.stack import Engine

_RENDERED = (
    *("OLLAMA_HOST", "OLLAMA_MODELS", "OLLAMA_CONTEXT_LENGTH", "OLLAMA_NUM_PARALLEL"),
    *("OLLAMA_KEEP_ALIVE", "OLLAMA_LOAD_TIMEOUT", "OLLAMA_MAX_LOADED_MODELS", "OLLAMA_MAX_QUEUE"),
    *("OLLAMA_FLASH_ATTENTION", "OLLAMA_KV_CACHE_TYPE", "OLLAMA_SCHED_SPREAD", "OLLAMA_NOPRUNE"),
    *("OLLAMA_NO_CLOUD", "CUDA_DEVICE_ORDER", "CUDA_VISIBLE_DEVICES"),
)

_Duration = Annotated[
    str, spelled(r"-1|\d+(ms|s|m|h)?", "should be a time such as 30m or 90s, or -1 for ever")
]


class OllamaOptions(Spec):
    """
    Options of ``ollama serve``, by its own names without ``OLLAMA_``.

    :param context_length: tokens of prompt and answer together
    :param num_parallel: requests worked on at once; each has a cache of the whole context
    :param keep_alive: how long a model stays loaded after its last request; for ever unless given,
        so that the devices' memory is held as planned
    :param load_timeout: how long loading may stand still
    :param max_loaded_models: models of the store that are loaded at once
    :param max_queue: requests that wait before further ones are refused
    :param flash_attention: on or off; what Ollama chooses unless given
    :param kv_cache_type: what the cache is kept in; anything but f16 needs flash_attention
    :param sched_spread: over all devices, even where one would hold the model
    :param environment: further variables of the server's process
    """

    # It takes as many of its devices as it needs, layer by layer.
    COUNTS_DEVICES: ClassVar[str | None] = None
    # Weights and cache have types of their own, in the model's file.
    dtype: ClassVar[str] = "auto"
    # It bounds images by the context alone, and takes no videos.
    images: ClassVar[int] = 1
    videos: ClassVar[int] = 0

    engine: Literal[Engine.OLLAMA] = Engine.OLLAMA
    context_length: int = Field(ge=16)
    num_parallel: int = Field(default=1, ge=1)
    keep_alive: _Duration = "-1"
    load_timeout: _Duration = "5m"
    max_loaded_models: int = Field(default=1, ge=1)
    max_queue: int = Field(default=512, ge=1)
    flash_attention: bool | None = None
    kv_cache_type: Literal["f16", "q8_0", "q4_0"] = "f16"
    sched_spread: bool = False
    environment: dict[Variable, str] = Field(default_factory=dict, repr=False)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self.context_length

    @property
    def concurrency(self) -> int:
        """Requests worked on at once."""
        return self.num_parallel

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        if self.kv_cache_type != "f16" and not self.flash_attention:
            yield Fault(
                path="kv_cache_type",
                wrong=f"is {self.kv_cache_type} without flash_attention, and would be f16",
                right="set flash_attention=True",
            )
        yield from extra.rendered_variables(self.environment, _RENDERED)
