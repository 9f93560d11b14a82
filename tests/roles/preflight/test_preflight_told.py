"""How reasons are told: lines, a table, JSON; and the judgement after a driver was installed."""

import io
import json
from pathlib import Path

import pytest
from pyinfra.api import DeployError
from rich.console import Console

from roles.preflight import Reason, operations, told
from tests.roles.faked import bare, on_host
from tests.roles.preflight import plans

REFUSES = Reason("port", "instances/chat/port", "8000 is held", "a free port", "stop it")
REMARK = Reason("os", "system", "arch [1] :100:", "ubuntu", "it may work", refuses=False)
VERDICTS = {"gpu-2": [REFUSES], "gpu-1": [REMARK, REFUSES]}


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> io.StringIO:
    """A terminal of so many columns, and what was printed on it."""
    screen = io.StringIO()
    shown = Console(
        file=screen, force_terminal=True, width=request.param, color_system=None,
        markup=False, emoji=False, highlight=False,
    )  # fmt: skip
    monkeypatch.setattr(told, "console", lambda: shown)
    return screen


def test_lines() -> None:
    assert told.refusal(VERDICTS).splitlines() == [
        "refused, nothing was changed on any host",
        "  gpu-1/instances/chat/port: found 8000 is held, wanted a free port; stop it [port]",
        "  gpu-2/instances/chat/port: found 8000 is held, wanted a free port; stop it [port]",
        "remarks, which refuse nothing",
        "  gpu-1/system: found arch [1] :100:, wanted ubuntu; it may work [os]",
    ]
    assert told.refusal({"gpu-2": [REFUSES]}).count("\n") == 1


def test_reason_of_many_hosts_is_told_once() -> None:
    """A fleet has the same fault a thousand times; few hosts are all named."""
    verdicts = {f"gpu-{n:03}": [REFUSES] for n in range(1, 1001)} | {"odd": [REMARK]}
    assert told.refusal(verdicts).splitlines() == [
        "refused, nothing was changed on any host",
        "  gpu-001 (and 999 more)/instances/chat/port: found 8000 is held, wanted a free port; "
        "stop it [port]",
        "remarks, which refuse nothing",
        "  odd/system: found arch [1] :100:, wanted ubuntu; it may work [os]",
    ]
    assert told.refusal({f"gpu-{n}": [REFUSES] for n in range(8)}).count("\n") == 8


def test_remarks_alone(echoed: list[str]) -> None:
    told.show({"gpu-1": [REMARK], "gpu-2": []})
    assert echoed == [
        "    2 host(s) asked, nothing speaks against the plan",
        "    remarks, which refuse nothing\n"
        "    gpu-1/system: found arch [1] :100:, wanted ubuntu; it may work [os]",
    ]


def test_nothing_at_all(echoed: list[str]) -> None:
    told.show({"gpu-1": []})
    assert echoed == ["    1 host(s) asked, nothing speaks against the plan"]


def test_what_a_refusal_tells_is_not_told_twice(echoed: list[str]) -> None:
    told.show(VERDICTS)
    assert echoed == []


@pytest.mark.parametrize("terminal", [140], indirect=True)
def test_table_on_a_wide_terminal(terminal: io.StringIO) -> None:
    told.show(VERDICTS)
    lines = [
        [cell.strip() for cell in line.strip("│┃").replace("┃", "│").split("│")]
        for line in terminal.getvalue().splitlines()
        if line.startswith(("│", "┃"))
    ]
    columns = ["host", "where", "found", "wanted", "what to do", "code"]
    row = ["instances/chat/port", "8000 is held", "a free port", "stop it", "port"]
    assert lines == [
        columns,
        ["gpu-1", *row],
        ["gpu-2", *row],
        columns,
        ["gpu-1", "system", "arch [1] :100:", "ubuntu", "it may work", "os"],
    ]
    assert told.refusal(VERDICTS) == "refused, nothing was changed on any host: 2 reason(s), above"


@pytest.mark.parametrize("terminal", [119], indirect=True)
def test_lines_on_a_narrow_terminal(terminal: io.StringIO) -> None:
    told.show(VERDICTS)
    assert terminal.getvalue() == ""
    assert "gpu-2/instances/chat/port: found" in told.refusal(VERDICTS)


def test_for_programs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told.write(VERDICTS, str(tmp_path / "reasons.json"))
    told.write(VERDICTS, "-")
    rows = json.loads((tmp_path / "reasons.json").read_text())
    assert rows == json.loads(capsys.readouterr().out)
    assert [(row["host"], row["code"], row["refuses"]) for row in rows] == [
        ("gpu-1", "os", False),
        ("gpu-1", "port", True),
        ("gpu-2", "port", True),
    ]
    assert [*rows[0]] == ["host", "code", "path", "found", "wanted", "remedy", "refuses"]
    told.write({"gpu-1": []}, "-")
    assert capsys.readouterr().out == "[]\n"


def test_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(DeployError, match=r"the reasons cannot be written: .*No such file"):
        told.write(VERDICTS, str(tmp_path / "none/reasons.json"))


def test_judged_again(echoed: list[str]) -> None:
    """Only this host fails, with its reasons, and with what is left on it."""
    spec = plans.one("32b")
    with on_host(spec, plans.rtx3090s(1)) as host:
        assert operations.fits(host) is False
        lines = [line.removeprefix(host.print_prefix) for line in echoed]
    assert lines[0] == (
        "its driver is installed, and with it the plan cannot work; "
        "no instance was switched to another release"
    )
    assert [line.rpartition(" ")[2] for line in lines[1:]] == ["[memory]"]


def test_judged_again_and_right(echoed: list[str]) -> None:
    """By the probe as it is now; remarks are told."""
    spec = plans.one("32b", options=plans.options(max_num_seqs=64))
    with on_host(spec, bare()) as host:
        assert operations.fits(host) is True
    assert [line.rpartition(" ")[2] for line in echoed] == ["[concurrency]"]
