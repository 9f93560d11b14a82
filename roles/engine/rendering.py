"""What an instance of each engine runs, as text: pure functions of the spec."""

from typing import NoReturn

from roles import paths, templates
from roles.engine import lmdeploy, mindie, ollama, vllm, vllm_ascend
from roles.engine.file import File
from roles.spec import (
    Accelerator,
    Engine,
    Instance,
    LmdeployOptions,
    MindieOptions,
    OllamaOptions,
    Stack,
    VllmOptions,
)

STARTED = {
    Engine.VLLM: (Accelerator.CUDA, Accelerator.CPU),
    Engine.VLLM_ASCEND: (Accelerator.ASCEND,),
    Engine.LMDEPLOY: (Accelerator.CUDA,),
    Engine.OLLAMA: (Accelerator.CUDA, Accelerator.CPU),
    Engine.MINDIE: (Accelerator.ASCEND,),
}
"""Engines that this release can start, and on what; preflight refuses instances of the others."""


def rendered(instance: Instance) -> dict[str, File]:
    """Return the files that differ from engine to engine, by name."""
    match instance.stack.engine, instance.options:
        case Engine.VLLM, VllmOptions() as options:
            return vllm.files(instance, options)
        case Engine.VLLM_ASCEND, VllmOptions() as options:
            return vllm_ascend.files(instance, options)
        case Engine.LMDEPLOY, LmdeployOptions() as options:
            return lmdeploy.files(instance, options)
        case Engine.OLLAMA, OllamaOptions() as options:
            return ollama.files(instance, options)
        case Engine.MINDIE, MindieOptions() as options:
            return mindie.files(instance, options)
        case engine, _:
            _not_started(engine)


def unit_file(stack: Stack, *, python: str) -> str:
    """Return the template unit of a stack's engine."""
    return templates.render(f"engine/{paths.unit_template(stack.unit)}.j2", python=python)


def _not_started(engine: Engine) -> NoReturn:
    started = ", ".join(STARTED)
    raise ValueError(f"{engine} cannot be started by this release, which starts {started}")
