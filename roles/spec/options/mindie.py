"""Options of MindIE."""

from typing import ClassVar, Literal

from pydantic import Field

from roles.spec.base import Spec
from roles.spec.stack import Engine


class MindieOptions(Spec):
    """
    What is changed in MindIE's ``config.json``, by its own names in our spelling; its shipped
    values unless given.

    :param world_size: chips that share the model; an Atlas 300I DUO card has two
    :param max_seq_len: tokens of prompt and answer together
    :param max_input_token_len: tokens of a prompt
    :param max_prefill_tokens: tokens that one prefill step takes
    :param max_prefill_batch_size: requests in one prefill step
    :param max_batch_size: requests worked on at once
    :param npu_mem_size: GiB a chip for the key-value cache; -1 lets MindIE choose, which leaves a
        vision tower no room
    :param images: images that one request may hold
    :param videos: videos that one request may hold
    """

    COUNTS_DEVICES: ClassVar[str] = "world_size"

    engine: Literal[Engine.MINDIE] = Engine.MINDIE
    dtype: Literal["bfloat16", "float16"] = "float16"
    world_size: int = Field(default=1, ge=1)
    max_seq_len: int = Field(default=2560, ge=16)
    max_input_token_len: int = Field(default=2048, ge=1, le=4194304)
    max_prefill_tokens: int = Field(default=8192, ge=1)
    max_prefill_batch_size: int = Field(default=50, ge=1)
    max_batch_size: int = Field(default=200, ge=1, le=819200)
    npu_mem_size: int = Field(default=-1, ge=-1)
    images: int = Field(default=0, ge=0)
    videos: int = Field(default=0, ge=0)

    @property
    def context(self) -> int:
        """Tokens of prompt and answer together."""
        return self.max_seq_len

    @property
    def concurrency(self) -> int:
        """Requests worked on at once."""
        return self.max_batch_size
