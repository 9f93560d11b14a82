"""What an instance of each engine runs, as text: pure functions of the spec."""

from dataclasses import dataclass
from typing import NoReturn

from roles import templates
from roles.engine import vllm
from roles.spec import Engine, Instance, VllmOptions

STARTED = (Engine.VLLM,)
"""Engines that this release can start; preflight refuses instances of the others."""


@dataclass(frozen=True)
class File:
    """One rendered file of a release."""

    text: str
    mode: str


def render(instance: Instance) -> dict[str, File]:
    """Return the files that differ from engine to engine, by name."""
    match instance.stack.engine, instance.options:
        case Engine.VLLM, VllmOptions() as options:
            start = templates.render(
                "engine/vllm-start.sh.j2",
                words=vllm.words(instance, options),
                python="stack/venv/bin/python",
            )
            variables = vllm.environment(instance, options)
        case engine, _:
            _not_started(engine)
    environment = templates.render("engine/environment.j2", variables=variables)
    return {"start": File(start, "0755"), "environment": File(environment, "0644")}


def in_flight(engine: Engine) -> tuple[str, ...]:
    """Return how lines of ``/metrics`` begin that count requests at work and waiting."""
    match engine:
        case Engine.VLLM:
            return ("vllm:num_requests_running", "vllm:num_requests_waiting")
        case _:
            _not_started(engine)


def unit_file(engine: Engine, *, python: str) -> str:
    """Return an engine's template unit."""
    match engine:
        case Engine.VLLM:
            return templates.render("engine/metalserve-vllm@.service.j2", python=python)
        case _:
            _not_started(engine)


def _not_started(engine: Engine) -> NoReturn:
    started = ", ".join(STARTED)
    raise ValueError(f"{engine} cannot be started by this release, which starts {started}")
