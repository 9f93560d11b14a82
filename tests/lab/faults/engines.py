"""Injections: the engine, of the new release and of the old one."""

from __future__ import annotations

from collections.abc import Mapping

from tests.lab.faults.injection import NEW, NOTHING, OLD, Injection, Kind
from tests.lab.faults.trial import UNIT, Trial


def _run(trial: Trial) -> None:
    trial.start()
    trial.end()


def _engine_killed(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on(f"systemctl kill -s KILL {UNIT}")
    trial.go()
    trial.end()


def _engine_frozen(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on(f"systemctl kill -s STOP {UNIT}")
    trial.go()
    trial.end()


def _dead_before(trial: Trial) -> None:
    trial.on(f"systemctl stop {UNIT}")
    _run(trial)


def _little_memory(trial: Trial) -> None:
    trial.each(lambda host: host.starve(memory_mib=500))
    _run(trial)
    trial.each(lambda host: host.feed())


_BAD: tuple[tuple[str, str, Mapping[str, object], tuple[str, ...]], ...] = (
    ("dies", "dies at start", {"die_at_start": "CUDA out of memory"}, ("did not become ready",)),
    ("hangs", "hangs at start, listens never", {"start_s": 3600}, ("nothing listened on port",)),
    ("silent", "is healthy and answers never", {"hang": True}, ("no completion within 20 s",)),
    ("crashes", "crashes while it is asked", {"crash_after_s": 2, "answer_s": 1}, ()),
    ("wrong", "answers wrong", {"answer": "no"}, ("answered 'no', expected",)),
    ("slow", "answers later than a question allows", {"answer_s": 4}, ("no answer within 3.0 s",)),
    ("500", "answers 500", {"fail": True}, ("EngineCore encountered an issue",)),
)

INJECTIONS = (
    *(
        Injection(
            name=f"engine-{name}", what=f"the new server {what}",
            when="ask" if name in ("crashes", "wrong", "slow") else "restart", does=_run,
            wish=wish, says=says,
        )
        for name, what, wish, says in _BAD
    ),
    *(
        Injection(
            name=f"engine-{name}-first", what=f"the new server {what}",
            when="ask" if name in ("crashes", "wrong", "slow") else "restart", does=_run,
            wish=wish, says=says, kind=Kind.FIRST, served=NOTHING,
        )
        for name, what, wish, says in _BAD
        if name in ("dies", "silent", "wrong")
    ),
    Injection(
        name="engine-memory", what="the kernel kills the new server for memory", when="restart",
        does=_little_memory, wish={"hold_mib": 1000},
    ),
    Injection(
        name="engine-killed-ask", what="the new server killed (SIGKILL)", at="ask",
        does=_engine_killed, says=("answers wrong",),
    ),
    Injection(
        name="engine-killed-commit", what="the new server killed (SIGKILL)", at="commit",
        does=_engine_killed, served=NEW, code=0, mended="systemd, after 15 s",
    ),
    Injection(
        name="old-killed-drain", what="the old server killed (SIGKILL)", at="drain",
        does=_engine_killed, served=NEW, code=0,
    ),
    Injection(
        name="old-frozen-drain", what="the old server stopped in its tracks (SIGSTOP)", at="drain",
        does=_engine_frozen, served=NEW, code=0, says=("what is in flight is not known",),
    ),
    Injection(
        name="old-dead-before", what="the old server is down", when="before the run",
        does=_dead_before, served=NEW, code=0,
    ),
    Injection(
        name="old-dead-before-bad", what="the old server is down, and the new one answers wrong",
        when="before the run", does=_dead_before, served=OLD, wish={"answer": "no"},
    ),
)  # fmt: skip
