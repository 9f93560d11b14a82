"""What an instance of each engine runs, as text: pure functions of the spec."""

from dataclasses import dataclass
from typing import assert_never

from roles import templates
from roles.engine import vllm
from roles.spec import Engine, Instance


@dataclass(frozen=True)
class File:
    """One rendered file of a release."""

    text: str
    mode: str


def render(instance: Instance) -> dict[str, File]:
    """Return the files that differ from engine to engine, by name."""
    match instance.stack.engine:
        case Engine.VLLM:
            start = templates.render(
                "engine/vllm-start.sh.j2",
                words=vllm.words(instance),
                python="stack/venv/bin/python",
            )
            variables = vllm.environment(instance)
        case _:
            assert_never(instance.stack.engine)
    environment = templates.render("engine/environment.j2", variables=variables)
    return {"start": File(start, "0755"), "environment": File(environment, "0644")}


def in_flight(engine: Engine) -> tuple[str, ...]:
    """Return how lines of ``/metrics`` begin that count requests at work and waiting."""
    match engine:
        case Engine.VLLM:
            return ("vllm:num_requests_running", "vllm:num_requests_waiting")
        case _:
            assert_never(engine)


def unit_file(engine: Engine, *, python: str) -> str:
    """Return an engine's template unit."""
    match engine:
        case Engine.VLLM:
            return templates.render("engine/metalserve-vllm@.service.j2", python=python)
        case _:
            assert_never(engine)
