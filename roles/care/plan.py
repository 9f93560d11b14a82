"""What the hostside scripts of this role are given; pure functions of the spec."""

from typing import Any

from roles import instance as secrets_of
from roles import lock, paths, release, weights
from roles.hostside import places
from roles.spec import Archive, HostSpec


def hashed(spec: HostSpec) -> dict[str, Any]:
    """Return the plan of ``verify.py``: every folder of weights, as pinned and as patched."""
    folders: dict[str, Any] = {}
    for instance in spec.instances:
        pinned = instance.weights
        phase, _ = weights.receipt(pinned, root=spec.weights_root)
        files = [file.model_dump() for file in pinned.files]
        folder = paths.weights(pinned, root=spec.weights_root)
        folders[folder] = {"name": pinned.name, "folder": folder, "phase": phase, "files": files}
        served = weights.Served(pinned, instance.stack, spec.weights_root)
        if served.patches:
            phase, _ = served.receipt
            files = [_patched(file, served.plan["patched"]) for file in files]
            folders[served.folder] = {
                "name": pinned.name, "folder": served.folder, "phase": phase, "files": files,
            }  # fmt: skip
    return {"name": "the weights", "folders": list(folders.values())}


def _patched(file: dict[str, Any], patched: dict[str, Any]) -> dict[str, Any]:
    edit = patched.get(file["path"])
    if not edit:
        return file
    return file | {"size": len(edit["text"].encode()), "sha256": edit["after"]}


def kept(spec: HostSpec, *, machine_id: str) -> dict[str, Any]:
    """Return the plan of ``prune.py``: what the spec wants, besides what the host itself knows."""
    keep = [paths.stack(stack) for stack in spec.stacks]
    spared = {}
    for instance in spec.instances:
        wanted = release.Release(spec=spec, instance=instance)
        keep += [wanted.folder, *wanted.links.values()]
        keep.append(paths.weights(instance.weights, root=spec.weights_root))
        secrets = places.secrets(instance.name)
        try:
            generation = secrets_of.generation(instance, machine_id=machine_id)["generation"]
            keep.append(f"{secrets}/{generation}")
        except secrets_of.SecretError as error:
            spared[secrets] = f"which one is wanted is not known: {error}"
    keep += [paths.installer(installer) for installer in spec.files]
    archives = [stack.lock for stack in spec.stacks if isinstance(stack.lock, Archive)]
    keep += [paths.archive(archive) for archive in archives]
    owner = lock.owner()
    return {
        "keep": sorted(set(keep)),
        "spared": spared,
        "weights_root": spec.weights_root,
        "who": owner["who"],
        "run": owner["run"],
    }
