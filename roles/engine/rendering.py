"""What an instance of each engine runs, as text: pure functions of the spec."""

from typing import NoReturn

from roles import templates
from roles.engine import ollama, vllm
from roles.engine.file import File
from roles.spec import Engine, Instance, OllamaOptions, VllmOptions

STARTED = (Engine.VLLM, Engine.OLLAMA)
"""Engines that this release can start; preflight refuses instances of the others."""


def rendered(instance: Instance) -> dict[str, File]:
    """Return the files that differ from engine to engine, by name."""
    match instance.stack.engine, instance.options:
        case Engine.VLLM, VllmOptions() as options:
            return vllm.files(instance, options)
        case Engine.OLLAMA, OllamaOptions() as options:
            return ollama.files(instance, options)
        case engine, _:
            _not_started(engine)


def unit_file(engine: Engine, *, python: str) -> str:
    """Return an engine's template unit."""
    match engine:
        case Engine.VLLM:
            return templates.render("engine/metalserve-vllm@.service.j2", python=python)
        case Engine.OLLAMA:
            return templates.render("engine/metalserve-ollama@.service.j2", python=python)
        case _:
            _not_started(engine)


def _not_started(engine: Engine) -> NoReturn:
    started = ", ".join(STARTED)
    raise ValueError(f"{engine} cannot be started by this release, which starts {started}")
