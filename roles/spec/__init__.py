"""Every noun of an inventory: typed, frozen, validated. Imports nothing else of ours."""

from roles.spec.base import Fault, Spec, SpecError
from roles.spec.check import Check, Kind, Match
from roles.spec.host import HostSpec, Packages, inventory
from roles.spec.instance import Instance
from roles.spec.options import Options, VllmOptions
from roles.spec.secret import Secret
from roles.spec.stack import Accelerator, Engine, Lock, Stack
from roles.spec.weights import Folder, HostFolder, Source, Weights, WeightsFile, manifest

__all__ = [
    "Accelerator",
    "Check",
    "Engine",
    "Fault",
    "Folder",
    "HostFolder",
    "HostSpec",
    "Instance",
    "Kind",
    "Lock",
    "Match",
    "Options",
    "Packages",
    "Secret",
    "Source",
    "Spec",
    "SpecError",
    "Stack",
    "VllmOptions",
    "Weights",
    "WeightsFile",
    "inventory",
    "manifest",
]
