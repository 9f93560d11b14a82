"""
A model as MindIE wants it: its folder and what describes it belong to the server's own user.

MindIE's server takes a folder of mode 750 at most, and in it ``config.json`` and
``generation_config.json`` of 640 at most, all of them its user's own (MindIE-LLM,
``src/utils/safe_path.cpp``). Its models take files that are the user's or of the user's first group
and that others may not write (``atb_llm/utils/file_utils.py``). So what is large stays the same
file as everybody else's, root's, and gets the group that MindIE's units run in.

Not run with MindIE.
"""

from roles import paths
from roles.spec import Engine, Instance
from roles.spec.base import digest
from roles.weights.made import Held, Made, beside

WANTED_BY = (Engine.MINDIE,)


def owned(instance: Instance, *, pinned: Held, source: Held) -> Made:
    """Return the folder of the instance's own, made of ``source``."""
    weights, user = instance.weights, paths.user(instance.name)
    inputs = digest([source.inputs, user, paths.GROUP])
    folder = beside(pinned, inputs)
    named = source.files
    if "files" in named:
        named = {"files": [file["path"] for file in named["files"]]}
    return Made(
        title=f"Give {weights.name} to {instance.name}",
        state=f"is {instance.name}'s own",
        script="own",
        name=weights.name,
        folder=folder,
        inputs=inputs,
        receipt=(f"own-{weights.name}-{inputs[:12]}", digest([folder, inputs])),
        files=source.files,
        of=(source.receipt, *source.of),
        needs=sum(file.size for file in weights.files if not file.path.endswith(".safetensors")),
        given={"original": source.folder, "user": user, "group": paths.GROUP} | named,
    )
