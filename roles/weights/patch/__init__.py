"""Patches: declared, reversible edits of a model's ``config.json``, for engines that need them."""

from roles.weights.patch.decide import Snapshot, needed
from roles.weights.patch.edit import Edit, Patch, PatchError, patched

__all__ = ["Edit", "Patch", "PatchError", "Snapshot", "needed", "patched"]
