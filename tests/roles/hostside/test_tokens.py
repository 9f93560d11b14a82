"""Tokens are read by root alone, and once."""

import io
import json
from pathlib import Path

import places
import pytest
import tokens

GIVEN = {"0": {"Authorization": "Bearer hf_kX82LmWq04TzRbYv"}}


def test_kept_and_taken(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["tokens.py", "keep", "weights-w"])
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps(GIVEN)))
    tokens.main()
    (file,) = Path(places.job("weights-w")).iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.parent.stat().st_mode & 0o777 == 0o700
    assert tokens.take(str(file.parent)) == GIVEN
    assert not file.exists()
    assert tokens.take(str(file.parent)) == {}


def test_usage(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.argv", ["tokens.py", "keep"])
    with pytest.raises(SystemExit, match=r"usage: tokens\.py keep JOB"):
        tokens.main()
