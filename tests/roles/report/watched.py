"""A run over hosts that are not there, watched from beginning to end, and the report it left."""

import json
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all, disconnect_all
from pyinfra.api.operation import add_op
from pyinfra.api.operations import run_ops
from pyinfra.api.state import StateStage
from pyinfra.context import ctx_state
from pyinfra.operations import server

from roles import report

KEY = "sk-test-7f3kQz9Xw2LmVb8Rt5"
FAILS = {"work": {"success": False, "stderr": f"no room\n{KEY} is in the way"}}

Host = tuple[str, dict[str, Any]]


def fake(name: str, said: dict[str, Any] | None = None) -> Host:
    """Return a host that answers as told."""
    known = {"fake_delay": 0, "fake_delay_jitter": 0, "fake_responses": said or {}}
    return f"@fake/{name}", known


GONE: Host = ("gone", {"ssh_hostname": "127.0.0.1", "ssh_port": 1})


@contextmanager
def begun(folder: Path, hosts: Iterable[Host], **words: Any) -> Iterator[State]:
    """Be in a run of ``deploy/work.py``, as pyinfra begins and ends one."""
    inventory = folder / "site.py"
    inventory.touch()
    context = click.Context(click.Command("pyinfra"))
    right = {"inventory": str(inventory), "operations": ("deploy/work.py",)}
    context.params = {**right, "limit": (), "exclude": (), "dry": False, **words}
    state, data = State(check_for_changes=False), dict(words.get("data", {}))
    with context, ctx_state.use(state):
        report.begin()
        state.init(Inventory((list(hosts), {}), override_data=data), Config())
        try:
            yield state
        finally:
            disconnect_all(state)


def work(state: State) -> None:
    """Do two steps on every host that can be reached."""
    state.set_stage(StateStage.Connect)
    connect_all(state)
    state.set_stage(StateStage.Prepare)
    add_op(state, server.shell, name="Look", commands=["look"])
    add_op(state, server.shell, name="Work", commands=["work"])
    state.set_stage(StateStage.Execute)
    run_ops(state)
    state.set_stage(StateStage.Disconnect)


def reports(folder: Path) -> list[Path]:
    """Return every file beside the inventory that a run left."""
    return sorted((folder / "reports/site").glob("*"))


def left(folder: Path, *hosts: Host, doing: Callable[[State], None] = work, **words: Any) -> Any:
    """Return the report that a run left, whatever ended it."""
    try:
        with begun(folder, hosts, **words) as state:
            doing(state)
    except (Exception, SystemExit):  # noqa: S110  # what ended it stands in the report
        pass
    (path,) = reports(folder)
    return json.loads(path.read_text())
