"""
CANN and what comes on top of it: toolkit, kernels or ops, NNAL, MindIE, ATB models, and what their
scripts set.

Versions lie beside each other, so that a stack of before goes on working while another comes. Not
tried on real hardware.
"""

import re
from collections.abc import Iterator

from roles import paths
from roles.ascend import layout, mindie, variables
from roles.ascend.seen import Seen
from roles.platform import Step
from roles.spec import HostSpec, Installer, InstallerKind, Stack

# 21 minutes were seen on a small board.
_TIMEOUT_S = 2 * 3600
_LISTS = {
    InstallerKind.TOOLKIT: "cann",
    InstallerKind.KERNELS: "ops",
    InstallerKind.OPS: "ops",
    InstallerKind.NNAL: "nnal",
    InstallerKind.MINDIE: "mindie",
}
_QUIET = ("--quiet", "--nox11", "--install-for-all")
_MINDIE_DONE = (r"mindie Install SUCCESS in ", r"MindIE installation SUCCESS!")
# Said by a package that is there; of one that was cut short it is no answer.
_ALREADY = (r"already installed",)
# The next toolkit writes over the script that sets this one's variables.
_KEEPING = 'bash "$0" --full "${@:3}" && install -D -m 644 "$1" "$2"'
# What has its name is whole; the vendor's name for it is given once, to whoever looks there.
_UNPACKED = """\
rm -rf "$1.new" && mkdir -m 755 "$1.new" && tar -xzf "$0" -C "$1.new" --no-same-owner &&
chmod -R a+rX "$1.new" && sync -f "$1.new" && rm -rf "$1" && mv "$1.new" "$1" &&
{ [ -e "$2" ] || ln -sfn "$1" "$2"; }
"""


def steps(stack: Stack, spec: HostSpec, seen: Seen) -> Iterator[Step]:
    """Yield what brings the packages of a stack that are not there, and captures its variables."""
    toolkit = stack.installer(InstallerKind.TOOLKIT)
    if toolkit is None:
        return
    cann = toolkit.about.version
    missing = [*_missing(stack, seen)]
    for installer in missing:
        yield _step(installer, stack, cann, spec, seen)
        if installer.about.kind is InstallerKind.MINDIE:
            yield from mindie.settings(installer, seen.older_mindie(installer), spec)
    brought = stack.installer(InstallerKind.MINDIE)
    if brought and brought not in missing:
        # What was cut short between it and the settings that it takes over.
        waiting = seen.files["settings"].get(brought.about.version)
        yield from mindie.settings(brought, waiting, spec)
    if missing or stack.folder not in seen.files["environments"] or _captures(stack) in seen.began:
        if brought:
            yield mindie.modes(brought, seen)
        words = ("write", paths.environment(stack), variables.of_stack(stack, cann))
        yield Step(name=_captures(stack), words=_environment(spec, *words), timeout_s=600)


def _missing(stack: Stack, seen: Seen) -> Iterator[Installer]:
    """What is not there or was cut short, in the order in which each needs the one before."""
    for kind in (*_LISTS, InstallerKind.ATB_MODELS):
        installer = stack.installer(kind)
        if installer and (not _there(installer, stack, seen) or _name(installer) in seen.began):
            yield installer


def _there(installer: Installer, stack: Stack, seen: Seen) -> bool:
    kind = installer.about.kind
    if kind is InstallerKind.ATB_MODELS:
        return seen.has_folder("atb_models", layout.models(installer))
    # Where ops are told from other parts of a toolkit is not verified; they come before what was
    # captured last.
    done = kind is InstallerKind.OPS and stack.folder in seen.files["environments"]
    return done or seen.has(_LISTS[kind], installer.about.version)


def _step(installer: Installer, stack: Stack, cann: str, spec: HostSpec, seen: Seen) -> Step:
    kind, cut_short = installer.about.kind, _name(installer) in seen.began
    words: tuple[str, ...]
    match kind:
        case InstallerKind.TOOLKIT if layout.is_old(cann):
            scripts = (layout.shared_script(), layout.kept_script(cann))
            words = ("bash", "-c", _KEEPING, "{file}", *scripts, *_QUIET)
        case InstallerKind.TOOLKIT:
            words = ("bash", "{file}", "--full", *_QUIET)
        case InstallerKind.MINDIE:
            words = _within(spec, cann, *mindie.words(installer, seen, python=stack.python))
        case InstallerKind.ATB_MODELS:
            folder = layout.models(installer)
            words = ("bash", "-c", _UNPACKED, "{file}", folder, f"{layout.HOME}/atb-models")
        case _:
            words = _within(spec, cann, "bash", "{file}", "--install", *_QUIET)
    says = not cut_short and kind not in (InstallerKind.MINDIE, InstallerKind.ATB_MODELS)
    return Step(
        name=_name(installer),
        words=words,
        installer=installer,
        success=_said(installer, cann),
        already=_ALREADY if says else (),
        environment=mindie.environment(installer) if kind is InstallerKind.MINDIE else (),
        timeout_s=_TIMEOUT_S,
    )


def _said(installer: Installer, cann: str) -> tuple[str, ...]:
    """Return what a package says when it is installed; none where that was never seen."""
    match installer.about.kind:
        case InstallerKind.MINDIE:
            return _MINDIE_DONE
        case InstallerKind.TOOLKIT | InstallerKind.KERNELS if layout.is_old(cann):
            # Their parts say the same of themselves, before it is certain that all goes well.
            return (rf"{re.escape(installer.file.removesuffix('.run'))} install success",)
        case _:
            return ()


def _within(spec: HostSpec, cann: str, *words: str) -> tuple[str, ...]:
    """Return a command that finds the variables of its own toolkit."""
    return _environment(spec, "run", variables.of_toolkit(cann), *words)


def _environment(spec: HostSpec, *words: str) -> tuple[str, ...]:
    return spec.python, paths.script("environment"), *words


def _name(installer: Installer) -> str:
    about = installer.about
    return "-".join(part for part in (about.kind, about.chip, about.version) if part)


def _captures(stack: Stack) -> str:
    return f"environment-{stack.folder}"
