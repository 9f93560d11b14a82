"""What is known of Ascend on this host: by its tool where that answers, by its files anyway."""

from __future__ import annotations

import ascend_versions
import npu_smi

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict

versions = ascend_versions.read


def read(root: str = "/") -> Dict[str, Any] | None:
    """
    Return all that is known, ``None`` when there is no trace of Ascend.

    ``hdk.loaded`` is the driver that answered ``npu-smi``.

    :param root: the folder in the place of ``/``; with another one no tool is asked
    """
    here = root == "/"
    if not ascend_versions.traces(root) and not (here and npu_smi.path()):
        return None
    said = npu_smi.read() if here else npu_smi.nothing("not-asked", "files below {}".format(root))
    found = ascend_versions.read(root)
    found["hdk"]["loaded"] = said.pop("loaded")
    return {**said, **found}
