"""Hosts of a fleet, wave by wave."""

import time
from collections import Counter
from typing import Any

from paramiko import SSHException
from pyinfra import host
from pyinfra.api import FunctionCommand, Host, State, operation
from pyinfra.api.output import echo

from roles import control, job, lock, probe, release
from roles.fleet import members, told
from roles.fleet.members import Towards
from roles.fleet.rollout import NotBegunError, Rollout, Turn
from roles.release import Move

_LOOK_EVERY_S = 1.0


@operation()
def serving_wave(rollout: Rollout, number: int, towards: Towards) -> job.Commands:
    """
    Each host of a wave serves its releases and has answered its questions; or what served before.

    + rollout: what all hosts of the run do together
    + number: of the wave
    + towards: where the instances go
    """
    member = rollout.plan.members[host.name]
    if member.refused and number == 1:
        yield job.refusal(f"not begun: {member.refused}; nothing was changed here")
    elif rollout.plan.wave_of(host.name) != number:
        host.noop(told.at_rest(rollout.plan, member))
    elif why := _refusal(rollout):
        host.noop(f"not begun: {why}")
    else:
        given = {"rollout": rollout, "towards": towards}
        yield FunctionCommand(_take_turn, (), given | job.connector_arguments(host))


@operation()
def settled_wave(rollout: Rollout) -> job.Commands:
    """
    What this run has switched still serves some time later.

    + rollout: what all hosts of the run do together
    """
    if rollout.switched.get(host.name) and host.name not in rollout.failed:
        yield FunctionCommand(_look_again, (), {"rollout": rollout} | job.connector_arguments(host))
    else:
        host.noop("nothing was switched")


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


def _refusal(rollout: Rollout) -> str:
    """Return why the host is not begun. Who looks what would be done has not failed yet."""
    state = host.state
    if not state.is_executing:
        return ""
    failed = [one.name for one in state.failed_hosts & state.activated_hosts]
    why = rollout.refusal(host.name, failed)
    if list(rollout.paused) == [host.name]:
        echo(why, err=True)
    return why


def _take_turn(
    state: State, host: Host, *, rollout: Rollout, towards: Towards, **arguments: Any
) -> bool:
    """Wait for the host's turn, and make the moves that it needs now."""
    try:
        moves = members.moves(host, towards)
        with rollout.turn(host.name, moves) as turn:
            _make(state, host, moves, turn, arguments)
    except (LookupError, NotBegunError) as refused:
        rollout.not_begun[host.name] = str(refused.args[0])
        echo(f"{host.print_prefix}not begun: {refused.args[0]}", err=True)
        return False
    return turn.well


def _look_again(state: State, host: Host, *, rollout: Rollout, **arguments: Any) -> bool:
    """Wait until the wave has settled, and ask the host what serves there then."""
    while (left := rollout.settled_in_s()) > 0 and not control.stopping.asked():
        time.sleep(min(left, _LOOK_EVERY_S))
    probe.renew(host)
    served = release.served(host)
    gone = [
        move.release
        for move in rollout.switched[host.name]
        if move.brings and move.instance.name not in served
    ]
    if gone:
        rollout.fail(host.name, f"{', '.join(gone)} no longer serves", Counter(served.values()))
        echo(f"{host.print_prefix}{', '.join(gone)} no longer serves", err=True)
    return not gone


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
    if moves and _locked(host, arguments):
        for move in moves:
            (command,) = move.commands(python=host.data.spec.python)
            if not command.execute(state, host, {}):
                break
            turn.done.append(move)
    missed = moves[len(turn.done) :]
    turn.well = not missed
    if missed:
        found = probe.renew(host)
        served = release.served(host)
        name, wanted = missed[0].instance.name, missed[0].release
        left = "what served before serves" if name in served else "nothing serves it"
        left = left if found["instances"] is not None else "the host does not answer"
        turn.why = f"{name} did not come to {wanted}, and {left}"
        turn.serves = Counter(served.values())


def _locked(host: Host, arguments: dict[str, Any]) -> bool:
    """Have the deploy lock, or say why not."""
    try:
        for command in lock.held():
            given = arguments | dict(command.connector_arguments)
            if not host.run_shell_command(command, print_output=True, **given)[0]:
                return False
    except (OSError, EOFError, SSHException) as error:
        echo(f"{host.print_prefix}connection lost ({error})", err=True)
        return False
    return True
