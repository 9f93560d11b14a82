"""Every remote path and unit name, spelled once; those that hosts know too, in ``places``."""

from roles.hostside import places
from roles.spec import Archive, Installer, Instance, Stack, Weights

ROOT = places.ROOT
STATE = places.STATE
CACHE = places.CACHE
UNITS = places.UNITS

HOSTSIDE = f"{ROOT}/hostside"
RECOVER_UNIT = places.RECOVER_UNIT
IN_IMAGE = places.IN_IMAGE
LOGS = places.logs()


def script(name: str) -> str:
    """One of the scripts that run on hosts."""
    return f"{HOSTSIDE}/{name}.py"


def job(name: str) -> str:
    """The unit of a job, as it is named to people."""
    return f"{places.JOB_UNIT}{name}"


def stack(stack: Stack) -> str:
    """Folder of an installed stack; complete only with its marker."""
    return f"{places.stacks()}/{stack.folder}"


def installer(installer: Installer) -> str:
    """A vendor's file that came from the control machine."""
    return f"{places.installers()}/{installer.sha256[:12]}-{installer.file}"


def archive(archive: Archive) -> str:
    """Folder that an archive comes to, until it is unpacked."""
    return f"{places.installers()}/{archive.sha256[:12]}-{archive.file}"


def image(stack: Stack) -> str:
    """What a stack's container image is called on the host."""
    return f"{places.IMAGES}{stack.name}:{stack.digest[:12]}"


def container(name: str) -> str:
    """The container that an instance runs in, and the network that it alone is in."""
    return places.container_name(name)


def environment(stack: Stack) -> str:
    """What the vendors' scripts set for a stack on Ascend, captured."""
    return f"{places.environments()}/{stack.folder}.environment"


def weights(weights: Weights, *, root: str) -> str:
    """Folder of a complete model revision."""
    return f"{root}/{weights.name}/{weights.digest[:12]}"


def bundled(folder: str, part: str) -> str:
    """What a bundle holds of one kind: ``wheels``, ``weights``, ``archives``, ``installers``."""
    return f"{folder}/{part}"


def incoming(weights: Weights, *, root: str) -> str:
    """Folder that files of the control machine arrive in, to be verified from there."""
    return f"{root}/.incoming/{weights.digest[:12]}"


GROUP = places.GROUP


def user(name: str) -> str:
    """The system user that an instance runs as."""
    return places.user(name)


def unit_template(name: str) -> str:
    """File name of a template unit, by what the units are called."""
    return f"metalserve-{name}@.service"


def unit(instance: Instance) -> str:
    """Unit that runs an instance."""
    return f"metalserve-{instance.stack.unit}@{instance.name}.service"
