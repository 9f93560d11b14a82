"""Hosts that serve are changed a few at a time, and none after one has failed."""

from typing import Any
from unittest.mock import Mock

import gevent
import pytest
from pyinfra.api import Config, Host, Inventory, State

from roles.platform import PlatformError, waves
from roles.spec import HostSpec
from tests.roles import grouped
from tests.roles.spec.nouns import Nouns


def _hosts(count: int, spec: HostSpec | None = None, **data: Any) -> tuple[State, list[Host]]:
    known = {"fake_delay": 0, "fake_delay_jitter": 0, **data}
    names = [(f"@fake/gpu-{n}", known) for n in range(count)]
    for name, one in names:
        if name in (grouped.HEAD, grouped.RANK) and spec:
            names[names.index((name, one))] = (name, known | {"spec": spec})
    state = State(Inventory((names, {})), Config())
    return state, list(state.inventory)


class _Crowd:
    """How many are at it at once."""

    def __init__(self) -> None:
        self.now, self.most, self.names = 0, 0, [""][:0]

    def enter(self, state: State, host: Host, *, fails: bool = False) -> str:
        try:
            with waves.turn(state, host):
                self.now += 1
                self.most = max(self.most, self.now)
                self.names.append(host.name)
                gevent.sleep(0.01)
                self.now -= 1
                if fails:
                    raise PlatformError("it did not come back")
        except PlatformError as error:
            return str(error)
        return ""


@pytest.mark.parametrize(("data", "at_once"), [({}, 1), ({"reboot_at_once": 3}, 3)])
def test_turns(data: Any, at_once: int) -> None:
    state, hosts = _hosts(7, **data)
    crowd = _Crowd()
    jobs = [gevent.spawn(crowd.enter, state, host) for host in hosts]
    gevent.joinall(jobs, raise_error=True)
    assert crowd.most == at_once
    assert len(crowd.names) == 7


def test_hosts_that_serve_together_have_one_turn(nouns: Nouns) -> None:
    """From the first of them to the last; nobody else is at work meanwhile."""
    state, hosts = _hosts(4, spec=grouped.wanted(nouns))
    crowd = _Crowd()
    jobs = [gevent.spawn(crowd.enter, state, host) for host in hosts]
    gevent.joinall(jobs, raise_error=True)
    assert crowd.most == 2
    together = crowd.names.index(grouped.HEAD)
    assert crowd.names[together : together + 2] == [grouped.HEAD, grouped.RANK]
    assert len(crowd.names) == 4


def test_none_after_one_that_failed() -> None:
    """They say so, and name the host to look at."""
    state, hosts = _hosts(3)
    crowd = _Crowd()
    first = gevent.spawn(crowd.enter, state, hosts[0], fails=True)
    rest = [gevent.spawn(crowd.enter, state, host) for host in hosts[1:]]
    gevent.joinall([first, *rest], raise_error=True)
    assert first.value == "it did not come back"
    assert [job.value for job in rest] == [
        "@fake/gpu-0 did not become ready, so this host was not begun, and nothing was changed on "
        "it; look there first, then run again"
    ] * 2
    assert crowd.names == ["@fake/gpu-0"]


def test_another_run_begins_anew() -> None:
    crowd = _Crowd()
    state, (host,) = _hosts(1)
    crowd.enter(state, host, fails=True)
    state, (host,) = _hosts(1)
    assert crowd.enter(state, host) == ""


@pytest.mark.parametrize("told", [0, -1, "two", 1.5])
def test_number_that_is_none(told: object) -> None:
    state, (host,) = _hosts(1, reboot_at_once=told)
    with pytest.raises(PlatformError) as error, waves.turn(state, host):
        Mock().never()
    assert str(error.value) == f"reboot_at_once is {told!r}, should be a number from 1"
