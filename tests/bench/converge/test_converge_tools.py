"""What tools say is read, and a run that is not what it had to be has no figures."""

import json
from typing import Any

import pytest

from bench.converge.gauge import Measured
from bench.converge.tools import (
    FLOOR,
    Run,
    Tool,
    WrongRunError,
    ansible_changed,
    known,
    pyinfra_changed,
    refuse_wrong,
    script_changed,
)

RECAP = """\
TASK [Check] *******************************************************************
ok: [h001]
ok: [h002]

PLAY RECAP *********************************************************************
h001                       : ok=8    changed=0    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
h002                       : ok=8    changed=3    unreachable=0    failed=0    skipped=0    rescued=0    ignored=0
h003                       : ok=1    changed=1    unreachable=0    failed=1    skipped=0    rescued=0    ignored=0
h004                       : ok=0    changed=0    unreachable=1    failed=0    skipped=0    rescued=0    ignored=0
"""  # noqa: E501


def said(out: str, *, code: int = 0, err: str = "") -> Measured:
    return Measured(code=code, out=out, err=err, wall_s=1, cpu_s=1, peak_mib=1)


def operation(name: str, *, success: list[str], no_change: list[str]) -> dict[str, Any]:
    return {"name": name, "hosts": 2, "success": success, "no_change": no_change, "error": []}


def test_ansible_is_read() -> None:
    # Hosts that were not reached, or where a task failed, are no hosts that it did anything for.
    assert ansible_changed(said(RECAP)) == {"h001": 0, "h002": 3}


def test_pyinfra_is_read() -> None:
    operations = [
        operation("User", success=["h001"], no_change=["h002"]),
        operation("Link", success=["h001", "h003"], no_change=["h002"]),
        operation("Check", success=["h001", "h002"], no_change=[]),
    ]
    results = {"operations": operations, "failed_hosts": ["h003"]}
    assert pyinfra_changed(said(json.dumps({"results": results}))) == {"h001": 2, "h002": 0}


def test_script_is_read() -> None:
    assert script_changed(said("h001 changed=0\nh002 changed=11\n")) == {"h001": 0, "h002": 11}


def test_right_runs_are_taken() -> None:
    tool = known()["ssh-script"]
    refuse_wrong(tool, Run.NO_CHANGE, ["h001"], said("h001 changed=0\n"))
    refuse_wrong(tool, Run.FIRST, ["h001"], said("h001 changed=4\n"))
    refuse_wrong(known()[FLOOR], Run.FIRST, ["h001"], said(""))


@pytest.mark.parametrize(
    ("run", "done", "wrong"),
    [
        (Run.NO_CHANGE, said("", code=4, err="no route"), "exit code 4:\nno route"),
        (Run.NO_CHANGE, said("h001 changed=0\n"), "told of ['h001'], ['h001', 'h002'] are right"),
        (
            Run.NO_CHANGE,
            said("h001 changed=0\nh002 changed=2\n"),
            "changed {'h002': 2}, 0 is right:\nh001 changed=0",
        ),
        (
            Run.FIRST,
            said("h001 changed=0\nh002 changed=2\n"),
            "changed {'h001': 0}, more is right",
        ),
    ],
)
def test_wrong_runs_are_refused(run: Run, done: Measured, wrong: str) -> None:
    tool: Tool = known()["ssh-script"]
    with pytest.raises(WrongRunError) as raised:
        refuse_wrong(tool, run, ["h001", "h002"], done)
    assert str(raised.value).startswith(f"ssh-script, {run}: ")
    assert wrong in str(raised.value)


def test_floor_that_fails_is_refused() -> None:
    with pytest.raises(WrongRunError, match="ssh-true, first: exit code 255"):
        refuse_wrong(known()[FLOOR], Run.FIRST, ["h001"], said("", code=255))
