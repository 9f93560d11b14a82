"""A model as a stack reads it: as pinned, or with patched files beside."""

import hashlib
import json
import re
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from roles import paths
from roles.spec import Stack, Weights
from roles.spec.base import digest
from roles.weights.patch import Patch, Snapshot, needed, patched
from roles.weights.patch.edit import text

_CONFIG = "config.json"


@dataclass(frozen=True)
class Served:
    """
    The files of a model, for one stack. Which patches it needs is decided from its
    ``config.json``, when that is on this machine.
    """

    weights: Weights
    stack: Stack
    root: str

    @cached_property
    def patches(self) -> tuple[Patch, ...]:
        """
        What has to be edited.

        :raises PatchError: the model cannot run on the stack
        """
        said = self._config
        return needed(Snapshot(json.loads(said), self._quantization), self.stack) if said else ()

    @cached_property
    def folder(self) -> str:
        """Where the engine finds it on the host."""
        pinned = paths.weights(self.weights, root=self.root)
        return f"{pinned}-{self._digest[:12]}" if self.patches else pinned

    @property
    def receipt(self) -> tuple[str, str]:
        """Phase and digest of the receipt of the patched folder."""
        return f"patch-{self.weights.name}-{self._digest[:12]}", digest([self.folder, self._digest])

    @property
    def plan(self) -> dict[str, Any]:
        """What ``patch.py`` is given."""
        phase, receipt = self.receipt
        return {
            "name": self.weights.name,
            "phase": phase,
            "digest": receipt,
            "original": paths.weights(self.weights, root=self.root),
            "folder": self.folder,
            "files": [file.path for file in self.weights.files],
            "patched": {_CONFIG: self._patched},
        }

    @cached_property
    def _patched(self) -> dict[str, str]:
        before = self._config or ""
        after = text(patched(json.loads(before), *self.patches))
        return {"text": after, "before": _sha256(before), "after": _sha256(after)}

    @cached_property
    def _digest(self) -> str:
        return digest([self.weights.digest, self._patched["after"]])

    @cached_property
    def _config(self) -> str | None:
        file = self.weights.config_file
        return file.read_text() if file and file.is_file() else None

    @property
    def _quantization(self) -> str | None:
        """What the name of msModelSlim's description says; its content is on the host alone."""
        for file in self.weights.files:
            if said := re.fullmatch(r"quant_model_description_(\w+)\.json", file.path):
                return said[1].upper()
        return None


def _sha256(content: str) -> str:
    return hashlib.sha256(content.encode()).hexdigest()
