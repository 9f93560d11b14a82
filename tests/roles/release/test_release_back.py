"""What a rollback says of a run before it begins; the run itself is in ``tests/deploy``."""

import pytest

from roles.release import Judged, Way
from roles.release.back import refusal, told
from roles.spec import Instance
from tests.roles.spec.nouns import Nouns

GOES = Way("chat", "new", "T", to="old", passed=("newer is marked bad: it hung",))
STAYS = Way("chat", "old", stays="chat has no release before old")
CANNOT = Way("chat", "new", refused="port 8000 of old is held by nginx; stop it")


@pytest.fixture
def chat(nouns: Nouns) -> Instance:
    """The instance that goes back."""
    (one,) = nouns.chat().instances
    return one


def _judged(chat: Instance, *ways: Way) -> list[Judged]:
    return [Judged(f"gpu-{at}", chat, {}, way) for at, way in enumerate(ways, start=1)]


def test_told(chat: Instance) -> None:
    assert list(told(_judged(chat, GOES, STAYS, Way("chat", "new", to="old")))) == [
        "    [gpu-1] passed over: newer is marked bad: it hung",
        "    [gpu-1] chat goes back from new, since T, to old",
        "    [gpu-2] stays as it is: chat has no release before old",
        "    [gpu-3] chat goes back from new, to old",
    ]


@pytest.mark.parametrize(
    ("ways", "others"),
    [
        ((GOES, CANNOT, STAYS, CANNOT), ["  the others alone: --exclude gpu-2 --exclude gpu-4"]),
        ((CANNOT, STAYS), []),
        ((GOES, STAYS), []),
    ],
)
def test_refusal(chat: Instance, ways: tuple[Way, ...], others: list[str]) -> None:
    """The words that leave out who is at fault, where anybody is left then."""
    assert refusal(["one", "two"], _judged(chat, *ways)).splitlines() == [
        "refused, nothing was changed on any host",
        "  one",
        "  two",
        *others,
    ]
