"""Answers of running servers."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FunctionCommand, operation

from roles import job
from roles.check import table


@operation()
def right_answers(instance: str, python: str) -> Generator[FunctionCommand, None, None]:
    """
    The instance answers each of its questions right.

    + instance: its name
    + python: the interpreter that runs our own code
    """
    command = job.script("ask", instance, python=python, given=None)
    arguments = job.connector_arguments(host)
    yield FunctionCommand(table.asked, (), {"command": command, "instance": instance} | arguments)


@operation()
def right_answers_offline(
    instance: str, hosts: int, kind: str, python: str
) -> Generator[FunctionCommand, None, None]:
    """
    The instance's engine, loaded without its server, answers its questions of one kind right.

    + instance: its name; its server has to be stopped
    + hosts: how many serve it together
    + kind: text, image or video
    + python: the interpreter that runs our own code
    """
    if hosts > 1:
        yield job.refusal(f"{instance} is served by {hosts} hosts, which begin by its server alone")
        return
    command = job.script("offline", instance, kind, python=python, given=None)
    arguments = job.connector_arguments(host)
    yield FunctionCommand(table.asked, (), {"command": command, "instance": instance} | arguments)
