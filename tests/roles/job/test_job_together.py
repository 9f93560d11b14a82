"""One line for all hosts that are at work on one step, from what each says of itself."""

import time
from typing import Any

import pytest
from pyinfra.api import Config, FunctionCommand, Host, Inventory, State, output
from pyinfra.connectors.util import CommandOutput

from roles import job
from roles.job import connection, together
from roles.job.together import Far, Step, read
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns

_GIB = 1024.0**3
_MIB = 1024.0**2


@pytest.mark.parametrize(
    ("line", "far"),
    [
        (
            "bringing from the hub: 2.0 GiB of 8.0 GiB, 512 MiB/s, 12 s left",
            Far(2 * _GIB, 8 * _GIB, 512 * _MIB),
        ),
        ("verifying: 10 B of 2 KiB", Far(10, 2048, 0)),
        ("installing, about: 1 MiB of 2 MiB, 1 KiB/s, 17 min left", Far(_MIB, 2 * _MIB, 1024)),
        ("draining, 3 in flight", None),
        ("qwen3: 7 of 7 files (2 MiB) brought and verified in 3 s", None),
        ("", None),
    ],
)
def test_line_of_a_job(line: str, far: Far | None) -> None:
    assert read(line) == far


def _line(done: float, total: float = 12.0, rate: float = 0.0) -> str:
    told = f"bringing from the hub: {done:.1f} GiB of {total:.1f} GiB"
    return f"{told}, {rate:.0f} MiB/s, 51 s left" if rate else told


def _step(*hosts: str) -> Step:
    step = Step()
    for host in hosts:
        step.begin(host)
    return step


def test_all_of_eight() -> None:
    step = _step(*"abcdefgh")
    for host in "abc":
        step.hear(host, _line(12.0))
        step.end(host, well=True)
    for host in "defgh":
        step.hear(host, _line(1.0, rate=204.8))
    assert step.line == ("all: 3 of 8 hosts complete, 41.0 of 96.0 GiB, 1.0 GiB/s, 55 s left")


def test_the_last_one_counts() -> None:
    step = _step("a", "b")
    step.hear("a", _line(10.0, rate=512))
    step.hear("b", _line(2.0, rate=102.4))
    assert step.line == "all: 0 of 2 hosts complete, 12.0 of 24.0 GiB, 614 MiB/s, 2 min left"


def test_no_time_is_promised_while_one_stands_still() -> None:
    step = _step("a", "b")
    step.hear("a", _line(10.0, rate=512))
    step.hear("b", _line(2.0))
    assert step.line == "all: 0 of 2 hosts complete, 12.0 of 24.0 GiB, 512 MiB/s"


def test_who_has_said_nothing_has_as_much_to_do() -> None:
    step = _step("a", "b", "c")
    step.hear("a", "bringing from the hub: 900 MiB of 1.5 GiB, 1 MiB/s, 9 min left")
    step.hear("b", "waiting")
    assert step.line == "all: 0 of 3 hosts complete, 900 MiB of 4.5 GiB, 1 MiB/s"


def test_host_that_failed_is_told_and_not_waited_for() -> None:
    step = _step("a", "b", "c")
    for host in "abc":
        step.hear(host, _line(4.0))
    step.end("a", well=False)
    assert step.line == "all: 0 of 3 hosts complete, 1 failed, 8.0 of 24.0 GiB"
    # Tried again, it is at work again.
    step.begin("a")
    assert step.line == "all: 0 of 3 hosts complete, 8.0 of 36.0 GiB"


def test_one_alone_says_it_itself() -> None:
    step = _step("a", "b")
    assert step.line == ""
    step.hear("a", _line(4.0))
    step.end("b", well=True)
    assert step.line == ""


@pytest.fixture
def now(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time, to be moved."""
    moved = [1000.0]
    monkeypatch.setattr(time, "monotonic", lambda: moved[0])
    monkeypatch.setattr(together._ear, "said_at", 0.0)
    monkeypatch.setattr(together._ear, "steps", {})
    return moved


def _hosts(*names: str) -> list[Host]:
    state = State(Inventory((list(names), {})), Config())
    return [state.inventory.get_host(name) for name in names]


def test_told_after_what_hosts_say(echoed: list[str], now: list[float]) -> None:
    before = output._echo
    one, two = _hosts("gpu-1", "gpu-2")
    together.begin("weights-x", one)
    together.begin("weights-x", two)
    output.echo(f"{one.print_prefix}{_line(6.0)}", err=True)
    output.echo(f"{two.print_prefix}{_line(3.0)}", err=True)
    now[0] += 6
    output.echo(f"{two.print_prefix}{_line(4.0)}", err=True)
    output.echo("[other] of nobody", err=True)
    together.end(one, well=True)
    together.end(two, well=True)
    assert echoed == [
        f"{one.print_prefix}{_line(6.0)}",
        "all: 0 of 2 hosts complete, 6.0 of 24.0 GiB",
        f"{two.print_prefix}{_line(3.0)}",
        f"{two.print_prefix}{_line(4.0)}",
        "all: 0 of 2 hosts complete, 10.0 of 24.0 GiB",
        "[other] of nobody",
    ]
    assert output._echo is before


def test_steps_are_told_apart(echoed: list[str], now: list[float]) -> None:
    one, two = _hosts("gpu-1", "gpu-2")
    together.begin("weights-x", one)
    together.begin("weights-y", two)
    output.echo(f"{one.print_prefix}{_line(6.0)}")
    assert len(echoed) == 1
    for host in (one, two):
        together.end(host, well=True)


@pytest.mark.parametrize("fails", [None, OSError("Socket is closed"), RuntimeError("a bug")])
def test_job_counts_while_it_is_followed(
    nouns: Nouns,
    monkeypatch: pytest.MonkeyPatch,
    echoed: list[str],
    now: list[float],
    fails: Exception | None,
) -> None:
    """And no longer, however it ends."""
    counted: list[list[str]] = []

    def run(self: Host, *_: object, **__: Any) -> tuple[bool, CommandOutput]:
        counted.append([host.name for _, host in together._ear.at_work.values()])
        if fails:
            raise fails
        return True, CommandOutput([])

    monkeypatch.setattr(Host, "run_shell_command", run)
    monkeypatch.setattr(connection, "lost", lambda _: False)
    with on_host(nouns.chat(), bare()) as host:
        (command,) = job.commands("fetch-x", script="fetch", python="python3", plan={})
        assert isinstance(command, FunctionCommand)
        if isinstance(fails, RuntimeError):
            with pytest.raises(RuntimeError):
                command.execute(host.state, host, {})
        else:
            assert command.execute(host.state, host, {}) is (fails is None)
    assert counted == [[host.name]]
    assert together._ear.at_work == {}
    step = together._ear.steps["fetch-x"]
    assert (list(step.complete), step.failed) == (
        ([host.name], set()) if fails is None else ([], {host.name})
    )
