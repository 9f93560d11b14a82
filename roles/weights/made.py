"""Folders of a model's files on a host: as pinned, and what is made of them there."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Held:
    """
    A folder of a model's files.

    :param inputs: digest of everything that they are made of
    :param receipt: phase and digest
    :param files: what is in it, as ``verify.py`` is told: ``{"files": [...]}``, or ``{"kept":
        phase}`` where only a receipt on the host knows
    :param of: receipts whose files it shares: without one of them it is made again
    """

    name: str
    folder: str
    inputs: str
    receipt: tuple[str, str]
    files: dict[str, Any]
    of: tuple[tuple[str, str], ...] = ()

    @property
    def hashed(self) -> dict[str, Any]:
        """What ``verify.py`` is told of it."""
        phase, _ = self.receipt
        return {"name": self.name, "folder": self.folder, "phase": phase} | self.files


@dataclass(frozen=True, kw_only=True)
class Made(Held):
    """
    A folder that a host makes, out of another one.

    :param title: what an operator reads of the step
    :param state: what the model is then, as in ``is patched for vllm-0.13``
    :param script: the job's; ``given`` is what it is told besides names and receipt
    :param needs: bytes that it takes
    """

    title: str
    state: str
    script: str
    given: dict[str, Any]
    needs: int

    @property
    def plan(self) -> dict[str, Any]:
        """What its job is given."""
        phase, digest = self.receipt
        named = {"name": self.name, "phase": phase, "digest": digest, "folder": self.folder}
        return named | self.given


def beside(pinned: Held, inputs: str) -> str:
    """Return the folder of what is made of ``inputs``."""
    return f"{pinned.folder}-{inputs[:12]}"
