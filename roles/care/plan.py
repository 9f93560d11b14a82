"""What the hostside scripts of this role are given; pure functions of the spec."""

from typing import Any

from roles import instance as secrets_of
from roles import lock, paths, release, weights
from roles.hostside import places
from roles.spec import Archive, HostSpec


def hashed(spec: HostSpec) -> dict[str, Any]:
    """Return the plan of ``verify.py``: every folder of weights, as pinned and as made of that."""
    served = [weights.Served(instance, spec.weights_root) for instance in spec.instances]
    folders = {one.folder: one.hashed for each in served for one in (each.pinned, *each.made)}
    return {"name": "the weights", "folders": list(folders.values())}


def kept(spec: HostSpec, *, machine_id: str) -> dict[str, Any]:
    """Return the plan of ``prune.py``: what the spec wants, besides what the host itself knows."""
    keep = [paths.stack(stack) for stack in spec.stacks]
    spared = {}
    for instance in spec.instances:
        wanted = release.Release(spec=spec, instance=instance)
        keep += [wanted.folder, *wanted.links.values()]
        served = weights.Served(instance, spec.weights_root)
        keep += [one.folder for one in (served.pinned, *served.made)]
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
