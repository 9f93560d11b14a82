"""Run our scripts on a host, the long ones as jobs that outlive the connection."""

import json
from collections.abc import Generator, Mapping
from functools import cache
from typing import Any
from uuid import uuid4

from gevent import GreenletExit
from paramiko import SSHException
from pyinfra import host
from pyinfra.api import FunctionCommand, Host, QuoteString, State, StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, ConnectorArguments
from pyinfra.api.output import echo
from pyinfra.connectors.util import CommandOutput

from roles import paths
from roles.job import connection, together
from roles.job.program import program as whole_program

Commands = Generator[StringCommand | FunctionCommand, None, None]


class Telling(StringCommand):
    """A command of which the operator is shown what it says; pyinfra shows that of a failed one."""

    def execute(
        self, state: State, host: Host, connector_arguments: ConnectorArguments
    ) -> tuple[bool, CommandOutput]:
        """See ``PyinfraCommand``."""
        done, said = super().execute(state, host, connector_arguments)
        for line in said.stdout_lines if done and not state.print_output else ():
            echo(f"{host.print_prefix}{line}", err=True)
        return done, said


def script(name: str, *words: str, python: str, given: object) -> StringCommand:
    """
    Return the command that runs one of our scripts with ``given`` as JSON on its input. What it
    says when it ends well is for the operator.
    """
    command = [QuoteString(python), QuoteString(paths.script(name)), *map(QuoteString, words)]
    return Telling(*command, _stdin=json.dumps(given))


def sent(name: str, *lines: str, python: str, given: object) -> StringCommand:
    """
    Return the command that runs one of our scripts where there may be none, with ``given`` as JSON
    and more lines on its input. What it says when it ends well is for the operator.
    """
    # It needs nothing but the standard library: Python need not look for packages.
    words = ["-I", "-S", "-c", "import sys; exec(sys.stdin.readline())", name]
    # Lines that all hosts are sent are kept once.
    return Telling(
        *map(QuoteString, (python, *words)), _stdin=[_line(name), json.dumps(given), *lines]
    )


@cache
def _line(name: str) -> str:
    return f"exec({whole_program(name)!a})"


def commands(name: str, *, script: str, python: str, plan: dict[str, Any]) -> Commands:
    """Yield what runs a job to its end, attaching to it when it is at work already."""
    given = {"name": name, "script": script, "python": python, "plan": plan}
    yield FunctionCommand(_run, (), given | connector_arguments(host))


def connector_arguments(host: Host) -> dict[str, Any]:
    """Return what an operation was told of how to run commands, for functions that it yields."""
    asked: Mapping[str, Any] = host.current_op_global_arguments or {}
    return {key: value for key, value in asked.items() if key in CONNECTOR_ARGUMENT_KEYS}


def shown(command: StringCommand, *, program: str) -> FunctionCommand:
    """
    Return what runs a command whose output is for the operator.

    :param program: which of our scripts it reads from its input
    """
    given = connector_arguments(host) | {"_stdin": whole_program(program)}
    return FunctionCommand(_shown, (), {"command": command} | given)


def _shown(state: State, host: Host, *, command: StringCommand, **arguments: Any) -> bool:
    done, _ = host.run_shell_command(command, print_output=True, **arguments)
    return done


def refusal(reason: str) -> FunctionCommand:
    """Return the command that fails on a host with a reason, and on no other host."""
    return FunctionCommand(_refuse, (), {"reason": reason})


def _refuse(state: State, host: Host, *, reason: str) -> bool:
    echo(f"{host.print_prefix}{reason}", err=True)
    return False


def _run(
    state: State,
    host: Host,
    *,
    name: str,
    script: str,
    python: str,
    plan: dict[str, Any],
    **arguments: Any,
) -> bool:
    command = StringCommand(
        QuoteString(python), QuoteString(paths.script("jobs")), "run", name, script, uuid4().hex
    )
    done = False
    together.begin(name, host)
    try:
        done = _followed(host, name, command, arguments | {"_stdin": json.dumps(plan)})
    except GreenletExit:
        # The operator stops this run, which stops no job.
        echo(f"{host.print_prefix}{_left(name, begun=together.spoke(host))}", err=True)
        raise
    finally:
        together.end(host, well=done)
    return done


def _left(name: str, *, begun: bool) -> str:
    """Say what comes of a job that this run follows no more."""
    how = "run again to follow it" if begun else "if it was begun; run again to see"
    return f"the job {name} goes on there alone, {how} (journalctl -fu {paths.job(name)})"


def _followed(host: Host, name: str, command: StringCommand, arguments: dict[str, Any]) -> bool:
    """Run what follows a job, again when the connection was lost."""
    while True:
        try:
            done, _ = host.run_shell_command(command, print_output=True, **arguments)
        except (OSError, EOFError, SSHException):
            done = False
        if done or not connection.lost(host):
            return done
        echo(
            f"{host.print_prefix}connection lost; the job goes on there, connecting again", err=True
        )
        if not connection.again(host):
            echo(
                f"{host.print_prefix}no connection; the job {name} ends alone, run again to see",
                err=True,
            )
            return False
