"""What an instance of each engine runs, as text: pure functions of the spec."""

from typing import NoReturn

from roles import templates
from roles.engine import lmdeploy, ollama, vllm
from roles.engine.file import File
from roles.spec import (
    Engine,
    Image,
    Instance,
    LmdeployOptions,
    OllamaOptions,
    Stack,
    VllmOptions,
)

STARTED = (Engine.VLLM, Engine.LMDEPLOY, Engine.OLLAMA)
"""Engines that this release can start; preflight refuses instances of the others."""


def rendered(instance: Instance) -> dict[str, File]:
    """Return the files that differ from engine to engine, by name."""
    match instance.stack.engine, instance.options:
        case Engine.VLLM, VllmOptions() as options:
            return vllm.files(instance, options)
        case Engine.LMDEPLOY, LmdeployOptions() as options:
            return lmdeploy.files(instance, options)
        case Engine.OLLAMA, OllamaOptions() as options:
            return ollama.files(instance, options)
        case engine, _:
            _not_started(engine)


def unit_file(stack: Stack, *, python: str) -> str:
    """Return the template unit of a stack's engine."""
    match stack.engine, stack.lock:
        case Engine.VLLM, _:
            return templates.render("engine/metalserve-vllm@.service.j2", python=python)
        case Engine.LMDEPLOY, Image():
            return templates.render("engine/metalserve-lmdeploy-compose@.service.j2", python=python)
        case Engine.LMDEPLOY, _:
            return templates.render("engine/metalserve-lmdeploy@.service.j2", python=python)
        case Engine.OLLAMA, _:
            return templates.render("engine/metalserve-ollama@.service.j2", python=python)
        case engine, _:
            _not_started(engine)


def _not_started(engine: Engine) -> NoReturn:
    started = ", ".join(STARTED)
    raise ValueError(f"{engine} cannot be started by this release, which starts {started}")
