"""The page: the worst first, nothing unknown taken for well, nothing asked of anybody."""

import re
from itertools import pairwise
from typing import Any

import pytest

from roles import templates
from roles.status import page
from roles.status.state import State
from tests.roles.status import fleets
from tests.roles.status.seen import Seen

STYLE = templates.render("status/page.css.j2")


@pytest.fixture(scope="module", params=[4, 200])
def fleet(request: pytest.FixtureRequest) -> Any:
    return fleets.of(request.param)


@pytest.fixture(scope="module")
def small() -> Any:
    return fleets.of(4)


def _counted(fleet: Any) -> dict[str, str]:
    states = [host["state"] for host in fleet["hosts"]]
    return {str(state): str(states.count(state)) for state in State}


def test_every_state_is_counted(fleet: Any) -> None:
    seen = Seen(page.of(fleet))
    counted = {str(one["data-state"]): one["data-count"] for one in seen.having("data-count")}
    assert counted == _counted(fleet)
    assert seen.open == []


def test_every_host_is_there_once_the_worst_first(fleet: Any) -> None:
    seen = Seen(page.of(fleet))
    cards = [one["data-state"] for one in seen.classes("host")]
    assert len(cards) == len(fleet["hosts"])
    order = [list(State).index(State(str(state))) for state in cards]
    assert all(one <= other for one, other in pairwise(order))
    assert len({one["id"] for one in seen.classes("host")}) == len(cards)


def test_links_lead_somewhere(fleet: Any) -> None:
    seen = Seen(page.of(fleet))
    names = {f"#{one['id']}" for one in seen.having("id")}
    assert {one["href"] for one in seen.having("href")} <= names


def test_asks_for_nothing(fleet: Any) -> None:
    """No script, no picture, no font: a page that was mailed shows the same."""
    text = page.of(fleet)
    tags = {tag for tag, _ in Seen(text).elements}
    assert not tags & {"script", "link", "img", "iframe", "object", "form", "base"}
    assert Seen(text).having("src") == []
    assert not re.search(r"url\(|@import|https?:", text.replace("http-equiv", ""))
    assert "default-src 'none'; style-src 'unsafe-inline'" in text


def test_what_hosts_say_is_no_markup(small: Any) -> None:
    text = page.of(small)
    assert fleets.BREAKS_OUT not in text
    seen = Seen(text)
    assert fleets.BREAKS_OUT in seen.text
    assert "image-1 (image): answered" in seen.text


def test_what_is_unknown_is_not_called_well(small: Any) -> None:
    """The host that nobody reached has no accelerator, no release and no time."""
    text = page.of(small)
    (card,) = re.findall(
        r'<details class="card host" id="host-2".*?(?=<details class="card)', text, re.S
    )
    seen = Seen(card[: card.rindex("</details>") + len("</details>")])
    for words in ("no answer", "Could not connect, timed out", "since unknown", "serves unknown"):
        assert words in seen.text
    assert "well" not in [
        word for one in seen.having("class") for word in str(one["class"]).split()
    ]
    assert "0 of 1, 1 unknown" in Seen(text).text


def test_trouble_is_told_in_full(small: Any) -> None:
    said = Seen(page.of(small)).text
    for words in (
        "chat: 1 of 3 answers were wrong",
        "device 1, NVIDIA H200: 3 uncorrectable ECC error(s) since the driver was loaded",
        "device 5, NVIDIA H200: Xid 79 in the kernel log of this boot",
        "drift in prepare: /etc/systemd/system/metalserve-vllm@.service has another mode, sha256",
    ):
        assert words in said


def test_numbers_have_units_and_times_a_zone(small: Any) -> None:
    said = Seen(page.of(small)).text
    for words in (
        "asked 2026-11-26 02:14:09 UTC by night@control-1",
        "116.1 GiB of 140.4 GiB", "61 °C", "402 W", "28.6 h ago", "781.2 GiB",
        "median 0.21 s, slowest 0.21 s", "14 min",
    ):  # fmt: skip
        assert words in said
    for moment in re.findall(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(.{4})", said):
        assert moment == " UTC"


def test_history_carries_the_diagnosis(small: Any) -> None:
    said = Seen(page.of(small)).text
    for line in fleets.DIAGNOSIS:
        assert line.strip() in said
    for outcome in ("failed", "refused", "killed"):
        assert Seen(page.of(small)).having("data-outcome", outcome)
    assert "with changes that are in no commit" in said


def test_many_hosts_that_are_well_are_folded_by_model() -> None:
    many = fleets.of(200)
    text = page.of(many)
    assert len(Seen(text).classes("group")) == 3
    groups = re.findall(r'<details class="card group"( open)?>', text)
    assert groups == ["", "", ""]
    few = page.of(fleets.of(4))
    assert Seen(few).classes("group") == []


def test_part_of_a_fleet_does_not_look_like_all_of_it(small: Any) -> None:
    assert "left out" not in Seen(page.of(small)).text
    said = Seen(page.of({**small, "left_out": 196})).text
    assert "4 hosts, 196 more of the inventory were left out" in said.replace(" ,", ",")


def test_nobody_at_all() -> None:
    nobody = {**fleets.of(4), "hosts": [], "runs": [], "reports": ""}
    said = Seen(page.of(nobody)).text
    assert "No run has left a report there." in said
    assert "No host is." in said


@pytest.mark.parametrize(
    ("moment", "words"),
    [
        ("2026-11-26T02:14:00Z", "9.00 s ago"),
        ("2026-11-26T02:10:09Z", "4 min ago"),
        ("2026-11-25T02:14:09Z", "24.0 h ago"),
        ("2026-11-06T02:14:09Z", "20 days ago"),
        (None, ""),
    ],
)
def test_ago(moment: str | None, words: str) -> None:
    assert page.ago(moment, fleets.ASKED) == words


@pytest.mark.parametrize(
    ("mib", "words"),
    [(None, "unknown"), (0, "0.0 GiB"), (143771, "140.4 GiB"), (29843660, "28.5 TiB")],
)
def test_sizes(mib: int | None, words: str) -> None:
    assert page.gib(mib) == words


def test_errors_of_memory() -> None:
    none = {"uncorrected": 0, "uncorrected_lifetime": 0, "corrected_lifetime": 0}
    assert page.ecc(none) == "none"
    some = none | {"uncorrected": 3, "corrected_lifetime": None}
    assert page.ecc(some) == "3 uncorrected since the driver was loaded, unknown corrected"


def _colours(block: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", block))


def _luminance(colour: str) -> float:
    parts = [int(colour[index : index + 2], 16) / 255 for index in (1, 3, 5)]
    red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_colours_can_be_read(scheme: str) -> None:
    """As WCAG 2 wants it of text (AA); and each state has a sign beside its colour."""
    light, dark = STYLE.split("@media (prefers-color-scheme: dark)", 1)
    found = _colours(light if scheme == "light" else dark.split("* {", 1)[0])
    assert len(found) == 13
    for ink in ("ink", "soft", *State):
        for ground in ("ground", "sheet"):
            assert _contrast(found[ink], found[ground]) >= 4.5, (ink, ground)
    for state in State:
        assert _contrast(found[state], found[f"{state}-bg"]) >= 4.5, state
    assert len(set(page._MARKS.values())) == len(State)
