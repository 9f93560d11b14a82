"""A model as an instance reads it: as pinned, or what its host makes of that."""

from dataclasses import dataclass
from functools import cached_property

from roles import paths
from roles.spec import Instance, MindieOptions
from roles.weights.compressed import compressed
from roles.weights.made import Held, Made
from roles.weights.owned import WANTED_BY, owned
from roles.weights.patched import view
from roles.weights.receipt import receipt


@dataclass(frozen=True)
class Served:
    """The files of an instance's model on a host, below ``root``."""

    instance: Instance
    root: str

    @cached_property
    def pinned(self) -> Held:
        """The files as they are fetched."""
        weights = self.instance.weights
        return Held(
            name=weights.name,
            folder=paths.weights(weights, root=self.root),
            inputs=weights.digest,
            receipt=receipt(weights, root=self.root),
            files={"files": weights.listed},
        )

    @cached_property
    def made(self) -> tuple[Made, ...]:
        """
        What the host makes of them, each out of the one before.

        :raises PatchError: the model cannot run on the stack
        """
        instance, found = self.instance, []
        if patched := view(instance.weights, instance.stack, self.pinned):
            found.append(patched)
        if instance.compression and isinstance(instance.options, MindieOptions):
            found.append(
                compressed(
                    instance.compression,
                    instance.weights,
                    instance.stack,
                    world_size=instance.options.world_size,
                    devices=instance.devices,
                    pinned=self.pinned,
                    source=found[-1] if found else self.pinned,
                )
            )
        if instance.stack.engine in WANTED_BY:
            source = found[-1] if found else self.pinned
            found.append(owned(instance, pinned=self.pinned, source=source))
        return tuple(found)

    @property
    def folder(self) -> str:
        """Where the engine finds it on the host."""
        return (self.made[-1] if self.made else self.pinned).folder
