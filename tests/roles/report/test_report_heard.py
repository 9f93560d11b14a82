"""What an operator was shown of a host is heard, and shown all the same."""

import logging
from collections.abc import Iterator

import pytest
from pyinfra import logger
from pyinfra.api import output

from roles.report.heard import LINES, Ear


@pytest.fixture
def ear(echoed: list[str]) -> Iterator[Ear]:
    listening = Ear()
    listening.open()
    yield listening
    listening.close()


def test_by_host_and_without_colours(ear: Ear, echoed: list[str]) -> None:
    output.echo("\x1b[0m[\x1b[1mgpu-1\x1b[0m]   draining: 3 in flight", err=True)
    output.echo("[gpu-2] ready")
    assert (ear.last("gpu-1"), ear.last("gpu-2")) == (["draining: 3 in flight"], ["ready"])
    assert echoed[1] == "[gpu-2] ready"


def test_more_lines_are_of_the_host_of_the_first(ear: Ear) -> None:
    output.echo("[gpu-1] it failed\n  because\nstate: the old one serves")
    assert ear.last("gpu-1") == ["it failed", "  because", "state: the old one serves"]


def test_what_pyinfra_warns_of_is_heard(ear: Ear) -> None:
    logger.error("[gpu-1] Command timed out after 3s")
    logger.info("[gpu-1] Success")
    assert ear.last("gpu-1") == ["Command timed out after 3s"]


@pytest.mark.parametrize("line", ["Error: executed 0 commands", ">>> sh -c 'true'"])
def test_what_pyinfra_says_of_a_step_is_not(ear: Ear, line: str) -> None:
    output.echo(f"[gpu-1] {line}")
    assert ear.last("gpu-1") == []


@pytest.mark.parametrize("line", ["--> Starting operation", "", "all: 2 of 3 hosts complete"])
def test_lines_of_no_host(ear: Ear, line: str) -> None:
    output.echo(line)
    assert ear.said == {}


def test_is_bounded(ear: Ear) -> None:
    for number in range(LINES + 5):
        output.echo(f"[gpu-1] {number} " + "x" * 9999)
    kept = ear.last("gpu-1")
    assert (len(kept), kept[0].split()[0], len(kept[0])) == (LINES, "5", 500)
    assert ear.last("gpu-1", 1)[0].startswith(f"{LINES + 4} ")


def test_begins_anew(ear: Ear) -> None:
    output.echo("[gpu-1] of the step before")
    ear.forget("gpu-1")
    assert ear.last("gpu-1") == []


def test_closed_ear_leaves_no_trace(echoed: list[str]) -> None:
    shown, handlers = output._echo, list(logger.handlers)
    ear = Ear()
    ear.open()
    assert (output._echo, logger.handlers[-1]) == (ear.echoed, ear)
    ear.close()
    assert (output._echo, logger.handlers) == (shown, handlers)
    assert isinstance(ear, logging.Handler)
