"""The table of faults: every injection is well-formed, and the page tells of exactly those."""

import re

import pytest

from tests.lab.faults import table
from tests.lab.faults.injection import NEW, NOTHING, OLD, STEPS, Injection, Kind
from tests.lab.faults.matrix import INJECTIONS, SECTIONS
from tests.lab.faults.row import Row

EVERY = list(INJECTIONS.values())


def _done(prefix: str) -> list[str]:
    return [one.at for one in EVERY if one.name.startswith(prefix)]


def test_names_are_unique() -> None:
    names = [one.name for section in SECTIONS.values() for one in section]
    assert sorted(names) == sorted(INJECTIONS)
    assert [name for name in names if not re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)] == []


def test_there_are_enough() -> None:
    assert len(EVERY) >= 60


@pytest.mark.parametrize("prefix", ["power-both-", "controller-", "job-"])
def test_each_step_is_hit(prefix: str) -> None:
    assert set(_done(prefix)) >= set(STEPS)


@pytest.mark.parametrize("injection", EVERY, ids=list(INJECTIONS))
def test_injection(injection: Injection) -> None:
    assert injection.what
    assert injection.moment
    assert injection.hosts in (1, 2, 3)
    # Another host that is not hit, or whom others must not see, is not alone.
    assert injection.hosts > 1 or not (injection.other or injection.alone)
    assert len(injection.each) in (0, injection.hosts)
    # Where nothing served before, nothing old serves afterwards.
    assert injection.kind is not Kind.FIRST or injection.served in (NEW, NOTHING)
    # A run that succeeded has brought the new one.
    served = set(injection.each) or {injection.served}
    assert injection.code != 0 or served == {NEW}
    assert not injection.then or injection.mended


def test_page_tells_of_what_there_is() -> None:
    assert table.PAGE.read_text() == table.page(table.kept())


def test_page_lists_every_injection() -> None:
    page = table.PAGE.read_text()
    assert [name for name in INJECTIONS if f"`{name}`" not in page] == []


def test_rows_are_of_injections_and_as_expected() -> None:
    rows = table.kept()
    assert [name for name in rows if name not in INJECTIONS] == []
    assert [row for row in rows.values() if row.faults] == []


def test_line() -> None:
    injection = Injection(
        name="a-b", what="power off", at="ask", does=lambda trial: None, mended="boot",
        left=("lock",), kind=Kind.ROLLBACK,
    )  # fmt: skip
    row = Row("a-b", served=OLD, code=None, left=["lock"], again="new")
    assert table.line(injection, row) == (
        "| `a-b` | power off (rollback) | ask | old, lock (after: boot) | killed | new |"
    )
