"""One run of a deploy, watched from its beginning to its end, however it ends."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from types import TracebackType
from typing import Any

import click
from pyinfra.api import Host, State
from pyinfra.api.output import echo
from pyinfra.api.state import BaseStateCallback
from pyinfra.context import ctx_state

from roles import control, instance, lock
from roles.hostside import durable
from roles.report import kept, origin
from roles.report.heard import LINES, Ear
from roles.report.step import Step

# It looks, at any time and often; its own runs would push the others out of its page.
_LEAVE_NONE = ("status",)


def begin() -> None:
    """Have this run leave a report, if it is one of deploys over an inventory of a file."""
    context = click.get_current_context()
    deploys, file = control.deploys(), Path(context.params["inventory"])
    named = file.suffix == ".py" and file.is_file()
    if named and deploys:
        wanted = any(deploy.stem not in _LEAVE_NONE for deploy in deploys)
        context.with_resource(Run(ctx_state.get(), file, context.params, wanted=wanted))


def inventory(state: State) -> Path | None:
    """Return the file of the inventory; ``None`` when hosts were named instead."""
    watching = _watching(state)
    return watching.inventory if watching else None


def limited(state: State) -> bool:
    """Say whether the operator named the hosts of this run; that some are excluded names none."""
    watching = _watching(state)
    return bool(watching.words.get("limit") if watching else state.limit_hosts)


def unreached(state: State) -> dict[str, str]:
    """Return why each host that this run did not reach was not, by name."""
    watching = _watching(state)
    known = watching.unreached if watching else {}
    hosts = [host for host in state.inventory if state.is_host_in_limit(host)]
    silent = [host.name for host in hosts if host not in state.activated_hosts]
    return {name: known.get(name, "no connection") for name in silent}


def _watching(state: State) -> "Run | None":
    return next((one for one in state.callback_handlers if isinstance(one, Run)), None)


class Run(BaseStateCallback, AbstractContextManager["Run"]):
    """
    Watches a run and leaves its report when pyinfra is left: done, failed, refused or stopped. One
    without an end stays where the run was killed.
    """

    def __init__(
        self, state: State, inventory: Path, words: dict[str, Any], *, wanted: bool
    ) -> None:
        self.state, self.words = state, words
        self.inventory = inventory
        self.origin = origin.Origin(inventory) if wanted else None
        self.steps: dict[tuple[str, str], Step] = {}
        self.unreached: dict[str, str] = {}
        self.ear = Ear()
        self.began, self.clock = durable.now(), time.monotonic()
        self.place: Path | None = None

    def __enter__(self) -> "Run":
        """Wait for the inventory: before it there is nobody to watch."""
        control.when_begun(self.state, self._start)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Leave the report."""
        if self.place:
            # What tells of an end knows most roles, which the deploys have imported by then.
            from roles.report import told

            self.ear.close()
            self._leave(self.place, self._end_of, error)
            if self.unreached:
                # What pyinfra said of each is far above, among the others' lines.
                echo(told.not_reached(sorted(self.unreached)), err=True)

    def _start(self) -> None:
        # No one else is told that it is over.
        self.state.add_callback_handler(self)
        if self.origin is None:
            return
        words, data = self.words, self.state.inventory.get_override_data()
        self.place = kept.folder(self.inventory, data)
        self.ear.open()
        self.head = {
            "schema": kept.SCHEMA,
            **lock.owner(),
            "deploys": list(words["operations"]),
            **self.origin.told(),
            "limit": list(words.get("limit") or ()),
            "exclude": list(words.get("exclude") or ()),
            # What they are told may be a secret.
            "data": sorted(data),
            "dry": bool(words.get("dry")),
            "began": self.began,
        }
        self._leave(self.place, self._beginning)

    def _beginning(self) -> kept.Report:
        nothing_yet = dict.fromkeys(("ended", "seconds", "outcome", "error"))
        return {**self.head, **nothing_yet, "hosts": {}}

    def _end_of(self, error: BaseException | None) -> kept.Report:
        from roles.report import told

        for (host, _), step in self.steps.items():
            step.said = self.ear.last(host) if step.seconds is None else step.said
        outcome = told.outcome(self.state, error, stopped=control.stopping.asked())
        ended = {"ended": durable.now(), "seconds": round(time.monotonic() - self.clock, 1)}
        hosts = told.hosts(self.state, self.steps, unreached(self.state))
        return {**self.head, **ended, **outcome, "hosts": hosts}

    def _leave(self, place: Path, report: Callable[..., kept.Report], *of: Any) -> None:
        try:
            kept.write(place, instance.masked(report(*of)))
        except Exception as error:  # the run is none the worse for it, and ends as it would
            words = str(error) if isinstance(error, OSError) else repr(error)
            echo(f"the report of this run was not written: {words}", err=True)
            self.place = None

    # pyinfra declares what follows as static, and calls it through the handler all the same.

    def host_connect_error(  # type: ignore[override]
        self, state: State, host: Host, error: Exception
    ) -> None:
        """See ``BaseStateCallback``."""
        self.unreached[host.name] = str(error)

    def operation_host_start(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str
    ) -> None:
        """See ``BaseStateCallback``."""
        self.ear.forget(host.name)
        self.steps[host.name, op_hash] = Step(time.monotonic())

    def operation_host_success(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0
    ) -> None:
        """See ``BaseStateCallback``."""
        self._end(host, op_hash, most=1)

    def operation_host_error(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        """See ``BaseStateCallback``."""
        self._end(host, op_hash)

    def _end(self, host: Host, op_hash: str, most: int = LINES) -> None:
        step = self.steps[host.name, op_hash]
        step.seconds = round(time.monotonic() - step.began, 2)
        step.said = self.ear.last(host.name, most)
