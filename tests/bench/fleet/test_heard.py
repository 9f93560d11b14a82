"""Requests are told by the gateway's log: which server had each, and how it ended."""

from bench.fleet.heard import Line, line_of, lines, lost_with, told
from bench.fleet.load import Asked

SAID = """\
1732660000.112233 fleet-5 haproxy[412]: [NOTICE]   (412) : New worker (414) forked
1732660001.500000 fleet-5 haproxy[414]: 10.98.1.1 client=client-1 "POST /v1/chat/completions" 200 \
512 bytes from canary/fleet-1:chat in 734 ms (queue 0, first byte 12) ----, 8 here, 2 there
1732660002.000000 fleet-5 haproxy[414]: 10.98.1.1 client=client-2 "POST /v1/chat/completions" 503 \
190 bytes from canary/<NOSRV> in 60001 ms (queue 60001, first byte -1) sQ--, 8 here, 0 there
1732660003.000000 fleet-5 haproxy[414]: [WARNING]  (414) : Server canary/fleet-2:chat is DOWN
1732660004.250000 fleet-5 haproxy[414]: 10.98.1.1 client=client-3 "POST /v1/chat/completions" 502 \
190 bytes from canary/fleet-2:chat in 25114 ms (queue 0, first byte -1) SH--, 7 here, 0 there
1732660005.250000 fleet-5 haproxy[414]: 10.98.1.1 client=- "POST /v1/chat/completions" 401 \
190 bytes from clients/<NOSRV> in 0 ms (queue -1, first byte -1) LR--, 7 here, 0 there
"""
LINES = list(lines(SAID))


def asked(client: str, began: float, ended: float, *, whole: bool = False) -> Asked:
    wrong = "answered 'fish'" if whole else "Error code: 502"
    return Asked(client, stream=False, began=began, ended=ended, wrong=wrong, whole=whole)


def test_lines() -> None:
    assert [
        Line(1732660001.5, "client-1", "fleet-1:chat", 200, "----"),
        Line(1732660002.0, "client-2", "<NOSRV>", 503, "sQ--"),
        Line(1732660004.25, "client-3", "fleet-2:chat", 502, "SH--"),
        Line(1732660005.25, "-", "<NOSRV>", 401, "LR--"),
    ] == LINES
    assert [line.host for line in LINES[:3]] == ["fleet-1", "<NOSRV>", "fleet-2"]
    assert [line.answered for line in LINES[:3]] == [True, False, False]


def test_line_of_a_request() -> None:
    assert line_of(asked("client-3", 1732659979.1, 1732660004.3), LINES) == LINES[2]
    assert line_of(asked("client-1", 1732660000.7, 1732660001.5, whole=True), LINES) == LINES[0]
    # Another client's, one that was over before, and one that no gateway saw.
    assert line_of(asked("client-4", 1732659979.1, 1732660004.3), LINES) is None
    assert line_of(asked("client-3", 1732660004.6, 1732660005.3), LINES) is None
    assert line_of(asked("client-3", 1732659979.1, 1732659980.0), LINES) is None
    # The answer to the next question is no line of the one that failed.
    assert line_of(asked("client-1", 1732659975.1, 1732660000.5), LINES) is None


def test_lost_with_a_host() -> None:
    died = 1732659980.0
    lost = asked("client-3", died - 0.9, died + 24.3)
    assert lost_with("fleet-2", died, [lost], LINES) == [lost]
    # Another host's, one that came when it was dead, one that was over, and a wrong answer.
    assert lost_with("fleet-1", died, [lost], LINES) == []
    assert lost_with("fleet-2", died - 1, [lost], LINES) == []
    assert lost_with("fleet-2", died + 25, [lost], LINES) == []
    wrong = asked("client-1", 1732660000.7, 1732660001.5, whole=True)
    assert lost_with("fleet-1", 1732660001.0, [wrong], LINES) == []


def test_lost_without_a_line() -> None:
    """Every request but such a one leaves a line."""
    died = 1732659975.0
    silent = asked("client-1", died - 0.2, died + 25.5)
    assert lost_with("fleet-2", died, [silent], LINES) == [silent]


def test_told() -> None:
    lost = asked("client-3", 1732659979.15, 1732660004.25)
    said = "a plain request failed after 25.1 s (fleet-2, 502 SH--): Error code: 502"
    assert told(lost, LINES) == said
    assert told(lost, []) == said.replace("fleet-2, 502 SH--", "no gateway tells of it")
