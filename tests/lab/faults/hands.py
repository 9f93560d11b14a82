"""Injections: what somebody changed by hand, and what a disk garbled."""

from __future__ import annotations

from tests.lab.faults.injection import NEW, WRONG, Injection, Kind
from tests.lab.faults.trial import Trial

_CURRENT = "/opt/metalserve/instances/chat/current"
_JOURNAL = "/var/lib/metalserve/transactions/chat.json"


def _before(trial: Trial, command: str) -> None:
    trial.on(command)
    trial.start()
    trial.end()


def _meanwhile(trial: Trial, command: str) -> None:
    trial.start()
    trial.reached()
    trial.on(command)
    trial.go()
    trial.end()


def _staged_edited(trial: Trial) -> None:
    """A release is staged ahead of time, edited, and activated."""
    done = trial.site.run("stage")
    assert done.code == 0, done.said
    (seed,) = set(trial.new.values())
    _before(trial, f"echo 'exit 1' > $(grep -l {seed} /opt/metalserve/releases/chat/*/start)")


def _serving_edited(trial: Trial) -> None:
    _before(trial, f"sed -i '2i # by hand' {_CURRENT}/start")


def _serving_spoilt(trial: Trial) -> None:
    _meanwhile(trial, "sed -i '2i exit 1' /opt/metalserve/instances/chat/previous/start")


def _unit_edited(trial: Trial) -> None:
    _before(trial, "echo '# by hand' >> /etc/systemd/system/metalserve-vllm@.service")


def _scripts_spoilt(trial: Trial) -> None:
    _before(trial, "truncate -s 100 /opt/metalserve/hostside/activate.py")


def _current_removed(trial: Trial) -> None:
    _before(trial, f"rm {_CURRENT}")


def _current_astray(trial: Trial) -> None:
    _before(trial, f"ln -sfn /opt/metalserve/releases/chat/nothing {_CURRENT}")


def _current_removed_meanwhile(trial: Trial) -> None:
    _meanwhile(trial, f"rm {_CURRENT}")


def _previous_astray(trial: Trial) -> None:
    link = "/opt/metalserve/instances/chat/previous"
    _before(trial, f"ln -sfn /opt/metalserve/releases/chat/nothing {link}")


def _new_removed(trial: Trial) -> None:
    _meanwhile(trial, f"rm -r $(readlink -f {_CURRENT})")


def _journal_empty(trial: Trial) -> None:
    _before(trial, f"truncate -s 0 {_JOURNAL}")


def _journal_half(trial: Trial) -> None:
    _before(trial, f"truncate -s 200 {_JOURNAL}")


def _journal_shape(trial: Trial) -> None:
    _before(trial, f"echo '[]' > {_JOURNAL}")


def _journal_other(trial: Trial) -> None:
    _before(trial, f"echo '{{}}' > {_JOURNAL}")


def _journal_half_meanwhile(trial: Trial) -> None:
    _meanwhile(trial, f"truncate -s 200 {_JOURNAL}")


def _journal_half_and_power(trial: Trial) -> None:
    trial.start()
    trial.reached()
    trial.on(f"truncate -s 200 {_JOURNAL}; sync")
    trial.crash()
    trial.boot()
    trial.end()


def _journal_half_and_killed(trial: Trial) -> None:
    _meanwhile(
        trial, f"truncate -s 200 {_JOURNAL}; systemctl kill -s KILL metalserve-job-activate-chat"
    )


def _receipts_half(trial: Trial) -> None:
    _before(trial, "truncate -s 100 /var/lib/metalserve/receipts/*.json")


def _job_half(trial: Trial) -> None:
    _before(trial, "truncate -s 10 /var/lib/metalserve/jobs/activate-chat/*.json")


def _secret_removed(trial: Trial) -> None:
    _before(trial, "rm /var/lib/metalserve/secrets/chat/*/api-key")


def _questions_half(trial: Trial) -> None:
    release = f"$(basename $(readlink -f {_CURRENT}))"
    _meanwhile(trial, f"truncate -s 100 /var/lib/metalserve/checks/chat/{release}.json")


_NOT_KNOWN = ("cannot be read, so it is not known whether an activation was cut short",)
_RIGHT_AGAIN = "serves again and answers right"

INJECTIONS = (
    Injection(
        name="hand-staged", what="the staged release's `start` edited by hand",
        when="between `stage.py` and `main.py`", does=_staged_edited, served=NEW, code=0,
        says=("drift in stage-chat",),
    ),
    Injection(
        name="hand-serving", what="the serving release's `start` edited by hand",
        when="before the run", does=_serving_edited, served=NEW, code=0,
    ),
    Injection(
        name="hand-serving-spoilt", what="the serving release's `start` spoilt by hand, and the new"
        " one answers wrong", at="ask", does=_serving_spoilt, wish=WRONG,
        served="nothing; old is current", says=("DOES NOT START",), left=("out of rotation",),
    ),
    Injection(
        name="hand-unit", what="the unit edited by hand", when="before the run",
        does=_unit_edited, served=NEW, code=0, says=("drift in prepare",),
    ),
    Injection(
        name="hand-scripts", what="one of our scripts on the host cut short", when="before the run",
        does=_scripts_spoilt, served=NEW, code=0, says=("drift in prepare",),
    ),
    Injection(
        name="hand-current", what="`current` removed by hand", when="before the run",
        does=_current_removed, served=NEW, code=0,
    ),
    Injection(
        name="hand-current-astray", what="`current` leads nowhere", when="before the run",
        does=_current_astray, served=NEW, code=0,
    ),
    Injection(
        name="hand-current-meanwhile", what="`current` removed by hand", at="ask",
        does=_current_removed_meanwhile, served=NEW, code=0,
    ),
    Injection(
        name="hand-previous", what="`previous` leads nowhere", when="before the run",
        kind=Kind.ROLLBACK, does=_previous_astray, served=NEW, code=0,
    ),
    Injection(
        name="hand-new-removed", what="the new release's folder removed by hand", at="restart",
        does=_new_removed, says=(_RIGHT_AGAIN,),
    ),
    Injection(
        name="hand-secret", what="the key's files removed by hand", when="before the run",
        does=_secret_removed, served=NEW, code=0,
    ),
    Injection(
        name="hand-questions", what="the new release's questions cut short", at="restart",
        does=_questions_half, says=(_RIGHT_AGAIN,),
    ),
    Injection(
        name="journal-empty", what="the journal is empty", when="before the run",
        does=_journal_empty, served=NEW, code=0,
    ),
    Injection(
        name="journal-half", what="the journal is cut short", when="before the run",
        does=_journal_half, served=NEW, code=0,
    ),
    Injection(
        name="journal-list", what="the journal is a list", when="before the run",
        does=_journal_shape, served=NEW, code=0,
    ),
    Injection(
        name="journal-object", what="the journal is an empty object", when="before the run",
        does=_journal_other, served=NEW, code=0,
    ),
    Injection(
        name="journal-half-ask", what="the journal is cut short", at="ask",
        does=_journal_half_meanwhile, served=NEW, code=0,
    ),
    Injection(
        name="journal-half-killed", what="the journal is cut short, and the job killed", at="ask",
        does=_journal_half_and_killed, served=NEW, left=("out of rotation",), says=_NOT_KNOWN,
    ),
    Injection(
        name="journal-half-power", what="the journal is cut short, and the power goes", at="ask",
        does=_journal_half_and_power, served=NEW, mended="boot", says=_NOT_KNOWN,
    ),
    Injection(
        name="receipts-half", what="every receipt is cut short", when="before the run",
        does=_receipts_half, served=NEW, code=0,
    ),
    Injection(
        name="job-half", what="what the job before left is cut short", when="before the run",
        does=_job_half, served=NEW, code=0,
    ),
)  # fmt: skip
