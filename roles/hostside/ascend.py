"""What is known of Ascend on this host: by its tool where that answers, by its files anyway."""

from __future__ import annotations

import ascend_root

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Dict


def read(root: str = "/") -> Dict[str, Any] | None:
    """
    Return all that is known, ``None`` when there is no trace of Ascend.

    ``hdk.loaded`` is the driver that answered ``npu-smi``.

    :param root: the folder in the place of ``/``; with another one no tool is asked
    """
    here = root == "/"
    if not ascend_root.traces(root) and not (here and ascend_root.tool()):
        return None
    import ascend_versions
    import npu_smi

    said = npu_smi.read() if here else npu_smi.nothing("not-asked", "files below {}".format(root))
    found = ascend_versions.read(root)
    found["hdk"]["loaded"] = said.pop("loaded")
    return {**said, **found}
