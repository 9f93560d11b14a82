"""Every noun of an inventory: typed, frozen, validated. Imports nothing else of ours."""

from roles.spec.across import Across, Rank
from roles.spec.archive import Archive
from roles.spec.base import Fault, Spec, SpecError
from roles.spec.behind import Behind, behind
from roles.spec.benchmark import Benchmark
from roles.spec.check import Check, Kind, Match
from roles.spec.compression import Compression
from roles.spec.fleet import Fleet
from roles.spec.gateway import Agent, Client, Gateway
from roles.spec.gathered import Member, groups, members
from roles.spec.host import HostSpec, Packages, inventory
from roles.spec.image import Image, ImageArchive
from roles.spec.installer import Installer, InstallerKind, Package, installers
from roles.spec.instance import Instance
from roles.spec.lock import Lock
from roles.spec.model import Model
from roles.spec.options import (
    LmdeployOptions,
    MindieClient,
    MindieHttps,
    MindieOptions,
    OllamaOptions,
    Options,
    VllmOptions,
)
from roles.spec.platform import (
    AscendHdk,
    ContainerToolkit,
    CudaDriver,
    Driver,
    DriverPackages,
    DriverRunFile,
)
from roles.spec.secret import Secret
from roles.spec.source import (
    Bundle,
    Folder,
    HostFolder,
    HttpFolder,
    HuggingFace,
    ModelScope,
    Rsync,
    Source,
)
from roles.spec.spread import Spread
from roles.spec.stack import Accelerator, Accepted, Engine, Stack
from roles.spec.weights import Weights, WeightsFile, manifest

__all__ = [
    "Accelerator",
    "Accepted",
    "Across",
    "Agent",
    "Archive",
    "AscendHdk",
    "Behind",
    "Benchmark",
    "Bundle",
    "Check",
    "Client",
    "Compression",
    "ContainerToolkit",
    "CudaDriver",
    "Driver",
    "DriverPackages",
    "DriverRunFile",
    "Engine",
    "Fault",
    "Fleet",
    "Folder",
    "Gateway",
    "HostFolder",
    "HostSpec",
    "HttpFolder",
    "HuggingFace",
    "Image",
    "ImageArchive",
    "Installer",
    "InstallerKind",
    "Instance",
    "Kind",
    "LmdeployOptions",
    "Lock",
    "Match",
    "Member",
    "MindieClient",
    "MindieHttps",
    "MindieOptions",
    "Model",
    "ModelScope",
    "OllamaOptions",
    "Options",
    "Package",
    "Packages",
    "Rank",
    "Rsync",
    "Secret",
    "Source",
    "Spec",
    "SpecError",
    "Spread",
    "Stack",
    "VllmOptions",
    "Weights",
    "WeightsFile",
    "behind",
    "groups",
    "installers",
    "inventory",
    "manifest",
    "members",
]
