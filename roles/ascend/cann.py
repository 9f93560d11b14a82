"""
CANN and what comes on top of it: toolkit, kernels or ops, NNAL, MindIE, ATB models, and what their
scripts set.

Versions lie beside each other, so that a stack of before goes on working while another comes. Not
tried on hardware.
"""

from collections.abc import Iterator

from roles import paths, versions
from roles.ascend.seen import Seen
from roles.platform import Step
from roles.spec import HostSpec, Installer, InstallerKind, Stack

# Half an hour was seen on a small board.
_TIMEOUT_S = 2 * 3600
_HOME = "/usr/local/Ascend"
_ATB_MODELS = f"{_HOME}/atb-models"
_DONE = (r"install success", r"[Ii]nstall(ation)? SUCCESS")
_ALREADY = (r"already installed",)
# The words come as they are: nothing of them is read by the shell that sources.
_SOURCED = 'words=("$@"); set --; source "$0" && exec bash "${words[@]}"'
# Into a folder of its version; the vendor's name for it is given once, to whoever looks there.
_UNPACKED = """\
rm -rf "$0.new" && mkdir -p "$0.new" && tar -xzf "$1" -C "$0.new" --no-same-owner &&
rm -rf "$0" && mv "$0.new" "$0" && { [ -e "$2" ] || ln -s "$0" "$2"; }
"""
_OWN_FOLDERS_FROM = "8.5"


def steps(stack: Stack, spec: HostSpec, seen: Seen) -> Iterator[Step]:
    """Yield what brings the packages of a stack that are not there."""
    toolkit = stack.installer(InstallerKind.TOOLKIT)
    if toolkit is None:
        return
    cann = toolkit.about.version
    missing = [*_missing(stack, seen)]
    for installer in missing:
        yield _step(installer, cann)
    if missing or stack.folder not in seen.files["environments"] or _name(stack) in seen.began:
        yield _captured(stack, spec, cann)


def _missing(stack: Stack, seen: Seen) -> Iterator[Installer]:
    """What is not there or was cut short, in the order in which each needs the one before."""
    lists = {
        InstallerKind.TOOLKIT: "cann",
        InstallerKind.KERNELS: "ops",
        InstallerKind.OPS: "ops",
        InstallerKind.NNAL: "nnal",
        InstallerKind.MINDIE: "mindie",
        InstallerKind.ATB_MODELS: "atb_models",
    }
    for kind, listed in lists.items():
        installer = stack.installer(kind)
        if installer is None:
            continue
        there = seen.has(listed, installer.about.version)
        if not there or _step(installer, "").name in seen.began:
            yield installer


def _step(installer: Installer, cann: str) -> Step:
    about = installer.about
    words: tuple[str, ...] = ("bash", "{file}", "--install", "--quiet")
    success: tuple[str, ...] = _DONE
    match about.kind:
        case InstallerKind.NNAL | InstallerKind.MINDIE:
            words = ("bash", "-c", _SOURCED, _set_env(cann), *words[1:])
        case InstallerKind.ATB_MODELS:
            words = ("bash", "-c", _UNPACKED, _atb_models(about.version), "{file}", _ATB_MODELS)
            success = ()
        case _:
            pass
    return Step(
        name="-".join(part for part in (about.kind, about.chip, about.version) if part),
        words=words,
        installer=installer,
        success=success,
        already=_ALREADY,
        timeout_s=_TIMEOUT_S,
    )


def _captured(stack: Stack, spec: HostSpec, cann: str) -> Step:
    scripts = [_set_env(cann)]
    if stack.installer(InstallerKind.NNAL):
        scripts.append(f"{_HOME}/nnal/atb/set_env.sh")
    if models := stack.installer(InstallerKind.ATB_MODELS):
        scripts.append(f"{_atb_models(models.about.version)}/set_env.sh")
    if stack.installer(InstallerKind.MINDIE):
        scripts.append(f"{_HOME}/mindie/set_env.sh")
    target = paths.environment(stack)
    return Step(
        name=_name(stack),
        words=(spec.python, paths.script("environment"), target, *scripts),
        timeout_s=600,
    )


def _set_env(cann: str) -> str:
    if versions.older(cann, _OWN_FOLDERS_FROM):
        return f"{_HOME}/ascend-toolkit/set_env.sh"
    return f"{_HOME}/cann-{cann}/set_env.sh"


def _atb_models(version: str) -> str:
    return f"{_ATB_MODELS}-{version}"


def _name(stack: Stack) -> str:
    return f"environment-{stack.folder}"
