"""An operator who stops a run stops it before the next host is begun."""

import signal
from collections.abc import Iterator

import pytest

from roles.platform import PlatformError, stopping, waves
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Leave the handler as it was."""
    before = signal.getsignal(signal.SIGINT)
    # What a shell starts in the background ignores it.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)
    stopping._asked.clear()


def test_noticed_and_passed_on() -> None:
    """Watched twice, it is still one interrupt, and pyinfra hears it too."""
    stopping.watch()
    stopping.watch()
    assert not stopping.asked()
    with pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert stopping.asked()
    assert len(stopping._asked) == 1


def test_no_further_host_is_begun(nouns: Nouns) -> None:
    stopping._asked.append(signal.SIGINT)
    with (
        on_host(nouns.chat(), bare()) as host,
        pytest.raises(PlatformError, match="stopped as you asked before this host was begun"),
        waves.turn(host.state, host),
    ):
        pass
