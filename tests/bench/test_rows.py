"""Rows are for eyes or for programs, and stdout is never both."""

import json

import pytest

from bench.rows import Rows, words

MEASURED = {"scenario": "upgrade", "requests": 7, "turns": [1, 2]}
TABLE = "one run\n| scenario | requests |\n|---|---|\n| upgrade | 7 |\n"


@pytest.mark.parametrize("as_json", [False, True])
def test_rows(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    rows = Rows(("scenario", "requests"), as_json=as_json)
    rows.say("one run")
    rows.head()
    rows.row(MEASURED)
    out, err = capsys.readouterr()
    if as_json:
        assert err == TABLE
        assert [json.loads(line) for line in out.splitlines()] == [MEASURED]
    else:
        assert (out, err) == (TABLE, "")


def test_words() -> None:
    told = words("What it costs.", hosts=4).parse_args(["--hosts", "8", "--json"])
    assert (told.hosts, told.json) == (8, True)
    assert words("What it costs.", hosts=4).parse_args([]).hosts == 4
