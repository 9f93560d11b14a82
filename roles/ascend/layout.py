"""Where Huawei's packages put themselves, a folder for each version; and what leads there."""

from roles import versions
from roles.hostside import places
from roles.spec import Installer

HOME = "/usr/local/Ascend"
_OWN_FOLDERS_FROM = "8.5"


def is_old(cann: str) -> bool:
    """Say whether a CANN lies in ``ascend-toolkit``, as all do before 8.5."""
    # Of 8.5 too what comes before the release, hence its first two numbers alone.
    return versions.older(versions.minor(cann), _OWN_FOLDERS_FROM)


def toolkit(cann: str) -> str:
    """Folder of a toolkit and of its operators."""
    return f"{HOME}/ascend-toolkit/{cann}" if is_old(cann) else f"{HOME}/cann-{cann}"


def shared_script() -> str:
    """What sets the variables of the toolkit before 8.5 that came last."""
    return f"{HOME}/ascend-toolkit/set_env.sh"


def kept_script(cann: str) -> str:
    """The same of one version, which we keep."""
    return f"{places.environments()}/toolkit-{cann}.set_env.sh"


def nnal(version: str) -> str:
    """Folder of NNAL's ATB."""
    return f"{HOME}/nnal/atb/{version}"


def mindie(version: str) -> str:
    """Folder of MindIE."""
    return f"{HOME}/mindie/{version}"


def mindie_settings(version: str) -> str:
    """The ``config.json`` that a MindIE came with, and whoever administers the host may edit."""
    return f"{mindie(version)}/mindie-service/conf/config.json"


def driver_libraries() -> tuple[str, ...]:
    """Folders of the driver's libraries, which no script of CANN's names."""
    return tuple(f"{HOME}/driver/lib64{below}" for below in ("", "/common", "/driver"))


def models(installer: Installer) -> str:
    """
    Folder of ATB models, which come as an archive without one: each version has several, for other
    Pythons and another torch.
    """
    about = installer.about
    made_for = f"py{about.python}-torch{about.torch}-abi{about.abi}"
    return f"{HOME}/atb-models-{about.version}-{made_for}"
