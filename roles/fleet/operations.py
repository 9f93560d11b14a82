"""Hosts of a fleet, wave by wave."""

from collections import Counter
from typing import Any

from pyinfra import host
from pyinfra.api import FunctionCommand, Host, State, operation
from pyinfra.api.output import echo

from roles import job, lock, probe, release
from roles.fleet import members, told
from roles.fleet.members import Way
from roles.fleet.rollout import NotBegunError, Rollout, Turn
from roles.release import Move


@operation()
def serving_wave(rollout: Rollout, number: int, way: Way) -> job.Commands:
    """
    Each host of a wave serves its releases and has answered its questions; or what served before.

    + rollout: what all hosts of the run do together
    + number: of the wave
    + way: where the instances go
    """
    member = rollout.plan.members[host.name]
    if member.refused and number == 1:
        yield job.refusal(member.refused)
    elif rollout.plan.wave_of(host.name) != number:
        host.noop(member.left or f"{told.goal(member)} serves")
    elif why := host.state.is_executing and rollout.refusal(host.name, number):
        host.noop(f"not begun: {why}")
    else:
        given = {"rollout": rollout, "way": way}
        yield FunctionCommand(_take_turn, (), given | job.connector_arguments(host))


@operation()
def release_before(rollout: Rollout) -> job.Commands:
    """
    What this run has switched serves what it served before, if the rest was left untouched.

    + rollout: what all hosts of the run do together
    """
    if rollout.back(host.name):
        yield FunctionCommand(_go_back, (), {"rollout": rollout} | job.connector_arguments(host))
    else:
        host.noop("nothing goes back")


@operation()
def well_in_the_end(rollout: Rollout) -> job.Commands:
    """
    The host has neither failed nor been left untouched because others did.

    + rollout: what all hosts of the run do together
    """
    if wrong := rollout.wrong(host.name):
        yield job.refusal(wrong)
    else:
        host.noop("it is as it should be")


def _take_turn(state: State, host: Host, *, rollout: Rollout, way: Way, **arguments: Any) -> bool:
    """Wait for the host's turn, and make the moves that it needs now."""
    moves = members.moves(host.data.spec, probe.of(host), way)
    try:
        with rollout.turn(host.name, moves) as turn:
            _make(state, host, moves, turn, arguments)
    except NotBegunError as refused:
        rollout.not_begun[host.name] = str(refused)
        echo(f"{host.print_prefix}not begun: {refused}", err=True)
        return False
    return turn.well


def _go_back(state: State, host: Host, *, rollout: Rollout, **arguments: Any) -> bool:
    """Wait for the host's turn, and have it serve what it served before this run."""
    moves = rollout.back(host.name)
    try:
        with rollout.turn(host.name, moves, back=True) as turn:
            _make(state, host, moves, turn, arguments)
    except NotBegunError as refused:
        echo(f"{host.print_prefix}does not go back: {refused}", err=True)
        return False
    return turn.well


def _make(
    state: State, host: Host, moves: list[Move], turn: Turn, arguments: dict[str, Any]
) -> None:
    """Make one move after the other up to the first that fails, and look what serves then."""
    if _locked(host, arguments):
        for move in moves:
            (command,) = move.commands(python=host.data.spec.python)
            if not command.execute(state, host, {}):
                break
            turn.done.append(move)
        else:
            turn.well = True
    if not turn.well:
        turn.serves = Counter(release.served(probe.renew(host)).values())


def _locked(host: Host, arguments: dict[str, Any]) -> bool:
    """Have the deploy lock."""
    for command in lock.held():
        given = arguments | dict(command.connector_arguments)
        if not host.run_shell_command(command, print_output=True, **given)[0]:
            return False
    return True
