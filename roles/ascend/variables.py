"""What ``environment.py`` is asked for: which scripts set a stack's variables, and how they see."""

import json

from roles.ascend import layout
from roles.spec import Engine, InstallerKind, Stack


def of_toolkit(cann: str) -> str:
    """Return the plan by which an installer finds its own toolkit, whatever came last."""
    return _plan([_toolkit_script(cann)], _toolkit_links(cann), [layout.toolkit(cann)])


def of_stack(stack: Stack, cann: str) -> str:
    """Return the plan of everything that a stack's server has to have set."""
    scripts, links = [_toolkit_script(cann)], _toolkit_links(cann)
    folders = [layout.toolkit(cann)]
    if nnal := stack.installer(InstallerKind.NNAL):
        folder = layout.nnal(nnal.about.version)
        scripts.append(_script(f"{layout.HOME}/nnal/atb/set_env.sh", *_abi(stack)))
        links[f"{layout.HOME}/nnal/atb/latest"] = folder
        folders.append(folder)
    if models := stack.installer(InstallerKind.ATB_MODELS):
        folder = layout.models(models)
        scripts.append(_script(f"{folder}/set_env.sh"))
        folders.append(folder)
    if mindie := stack.installer(InstallerKind.MINDIE):
        folder = layout.mindie(mindie.about.version)
        scripts.append(_script(f"{layout.HOME}/mindie/set_env.sh"))
        links[f"{layout.HOME}/mindie/latest"] = folder
        folders.append(folder)
    return _plan(scripts, links, folders)


def _toolkit_script(cann: str) -> dict[str, list[str]]:
    if layout.is_old(cann):
        return {"files": [layout.kept_script(cann), layout.shared_script()], "words": []}
    return _script(f"{layout.toolkit(cann)}/set_env.sh")


def _toolkit_links(cann: str) -> dict[str, str]:
    folder = layout.toolkit(cann)
    links = {f"{layout.HOME}/ascend-toolkit/latest": folder}
    return links if layout.is_old(cann) else {f"{layout.HOME}/cann": folder, **links}


def _abi(stack: Stack) -> list[str]:
    """ATB asks the first Python it finds for its torch, which is not the stack's."""
    if stack.engine is Engine.VLLM_ASCEND:
        # So every torch of a row of vllm-ascend's from 0.11.0 on is built.
        return ["--cxx_abi=1"]
    kinds = (InstallerKind.MINDIE, InstallerKind.ATB_MODELS)
    known = [one.about.abi for kind in kinds if (one := stack.installer(kind))]
    return [f"--cxx_abi={abi}" for abi in known if abi is not None][:1]


def _script(file: str, *words: str) -> dict[str, list[str]]:
    return {"files": [file], "words": [*words]}


def _plan(scripts: list[dict[str, list[str]]], links: dict[str, str], folders: list[str]) -> str:
    return json.dumps({"scripts": scripts, "links": links, "folders": folders})
