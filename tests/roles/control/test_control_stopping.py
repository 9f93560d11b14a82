"""An operator who stops a run stops it at once, and before the next host is begun."""

import signal
from collections.abc import Iterator

import gevent
import gevent.pool
import pytest
from pyinfra.api import State
from pyinfra.context import ctx_state

from roles.control import stopping
from roles.platform import PlatformError, waves
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns

SAID = "stopping as you asked; Ctrl-C once more to leave without giving the hosts' locks back"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the handler as it was."""
    before = signal.getsignal(signal.SIGINT)
    yield
    signal.signal(signal.SIGINT, before)
    stopping._asked.clear()


@pytest.fixture
def state() -> Iterator[State]:
    """A run that heeds its operator."""
    made = State()
    with ctx_state.use(made):
        stopping.heed()
        yield made


def test_leaves_with_130(state: State, echoed: list[str]) -> None:
    assert not stopping.asked()
    with pytest.raises(SystemExit) as left:
        signal.raise_signal(signal.SIGINT)
    assert left.value.code == 130
    assert stopping.asked()
    gevent.sleep(0)
    assert echoed == [SAID]


def test_asked_again(state: State, echoed: list[str]) -> None:
    """It is said once."""
    for _ in range(2):
        with pytest.raises(SystemExit):
            signal.raise_signal(signal.SIGINT)
    gevent.sleep(0)
    assert echoed == [SAID]


def test_whoever_is_at_work_ends(state: State, echoed: list[str]) -> None:
    """Those that have begun and those that have not; what gives locks back finds room then."""
    told: list[str] = []

    def follow(name: str) -> None:
        try:
            gevent.sleep(600)
        except gevent.GreenletExit:
            told.append(name)
            raise

    state.pool, state.initialised = gevent.pool.Pool(2), True
    at_work = [state.pool.spawn(follow, name) for name in ("gpu-1", "gpu-2")]
    gevent.sleep(0)
    with pytest.raises(SystemExit):
        signal.raise_signal(signal.SIGINT)
    given_back = state.pool.spawn(told.append, "lock")
    gevent.joinall([*at_work, given_back], timeout=60)
    assert sorted(told[:2]) == ["gpu-1", "gpu-2"]
    assert told[2:] == ["lock"]


def test_whoever_hears_it_is_not_who_leaves(state: State, echoed: list[str]) -> None:
    """What works for a host goes on to its next stop; the run is left where it waits."""
    told = []

    def work() -> None:
        signal.raise_signal(signal.SIGINT)
        told.append("went on")

    with pytest.raises(SystemExit) as left:
        gevent.spawn(work).join()
    assert (left.value.code, told) == (130, ["went on"])


def test_no_further_host_is_begun(nouns: Nouns) -> None:
    stopping._asked.append(signal.SIGINT)
    with (
        on_host(nouns.chat(), bare()) as host,
        pytest.raises(PlatformError, match="stopped as you asked before this host was begun"),
        waves.turn(host.state, host),
    ):
        pass
