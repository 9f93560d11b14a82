"""What can be measured is found by name, and nothing else is run."""

import runpy
import sys

import pytest

from bench.__main__ import benches, main
from roles.lab import LabError

Said = pytest.CaptureFixture[str]


def test_what_there_is() -> None:
    found = benches()
    assert {"converge", "fleet", "install", "probe", "serve", "weights"} <= found.keys()
    # What they share is none.
    assert not {"hosts", "kept", "rows", "spent", "told", "__main__"} & found.keys()
    assert found["weights"].startswith("What weights cost: fetched from a hub to one host")


def test_without_a_name(capsys: Said) -> None:
    assert main([]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert said.err.startswith("usage: bin/bench NAME [words]\n  converge The same job by meta")


def test_unknown_name(capsys: Said) -> None:
    assert main(["fleets", "--json"]) == 2
    wanted = f"bin/bench: fleets: no such bench, there are {', '.join(benches())}\n"
    assert capsys.readouterr() == ("", wanted)


def test_words_are_passed_on(monkeypatch: pytest.MonkeyPatch) -> None:
    ran = []
    monkeypatch.setattr(sys, "argv", ["bench"])
    monkeypatch.setattr(runpy, "run_module", lambda name, **_: ran.append((name, sys.argv)))
    assert main(["probe", "/srv"]) == 0
    assert ran == [("bench.probe", ["bin/bench probe", "/srv"])]


def test_lab_that_cannot_be(monkeypatch: pytest.MonkeyPatch, capsys: Said) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise LabError("lab hosts need root")

    monkeypatch.setattr(sys, "argv", ["bench"])
    monkeypatch.setattr(runpy, "run_module", refuse)
    assert main(["fleet"]) == 1
    assert capsys.readouterr().err == "bin/bench fleet: lab hosts need root\n"
