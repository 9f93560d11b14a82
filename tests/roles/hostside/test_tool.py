"""A vendor's tool is watched, heard and ended in time, with all that it started."""

import resource
import time
from pathlib import Path

import pytest
import tool


def _run(text: str, folder: Path, within_s: float = 10) -> tuple[int | None, list[str], int]:
    told: list[None] = []
    code, lines = tool.run(
        ["sh", "-c", text], folder=str(folder), variables={"PATH": "/usr/bin:/bin", "A": "1"},
        within_s=within_s, tell=lambda: told.append(None),
    )  # fmt: skip
    return code, lines, len(told)


def test_code_and_lines(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """It is heard as it speaks, errors too, and its end is kept."""
    code, lines, _ = _run("pwd; seq 300; echo $A${HOME:-none} >&2; exit 3", tmp_path)
    assert code == 3
    assert (len(lines), lines[-2:]) == (200, ["300", "1none"])
    assert capfd.readouterr().out.splitlines()[:2] == [str(tmp_path), "1"]


def test_too_late(tmp_path: Path) -> None:
    began = time.monotonic()
    code, lines, told = _run("echo here; sleep 600 & wait", tmp_path, within_s=0.2)
    assert (code, lines) == (None, ["here"])
    assert told >= 1
    assert time.monotonic() - began < 300


def test_many_files(tmp_path: Path) -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert _run("ulimit -n", tmp_path)[1] in ([str(most)], ["unlimited"])


def test_what_is_no_text(tmp_path: Path) -> None:
    assert _run(r"printf 'a\377b\n'", tmp_path)[1] == ["a\ufffdb"]
