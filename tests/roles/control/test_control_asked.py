"""A mistyped key of ``--data`` ends a run before the first host is asked."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from roles.control import asked

ROOT = Path(__file__).parents[3]


@pytest.mark.parametrize(
    ("deploys", "key", "said"),
    [
        (["rollback"], "levae", "deploy/rollback.py asks for no such key, did you mean leave"),
        (["upgrade"], "unitl", "deploy/upgrade.py asks for no such key, did you mean until"),
        # Right elsewhere, and of no meaning here.
        (
            ["stage"],
            "until",
            "deploy/stage.py asks for no such key, known are break_lock, reasons, reports",
        ),
        (
            ["stage", "check"],
            "offlin",
            "deploy/stage.py, deploy/check.py asks for no such key, did you mean offline",
        ),
    ],
)
def test_unknown(deploys: list[str], key: str, said: str) -> None:
    assert list(asked.unknown(deploys, [key])) == [f"--data {key}: {said}"]


def test_known() -> None:
    told = ["leave", "until", "break_lock", "reports", "ssh_user", "_sudo"]
    assert list(asked.unknown(["rollback"], told)) == []


@pytest.mark.parametrize(
    ("pattern", "said"),
    [
        ("gpu-1.exmple", "did you mean gpu-1.example"),
        ("gpus", "did you mean gpu"),
        ("x*", "debug-inventory lists them"),
    ],
)
def test_unmatched(pattern: str, said: str) -> None:
    known = ["gpu-1.example", "gpu-2.example", "gpu"]
    wrong = f"--exclude {pattern}: there is no such host and no such group, {said}"
    assert list(asked.unmatched("exclude", ["gpu", pattern, "gpu-*"], known)) == [wrong]


def test_every_deploy_is_known() -> None:
    assert sorted(asked.KNOWN) == sorted(path.stem for path in (ROOT / "deploy").glob("*.py"))


@pytest.mark.parametrize(
    "page", [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))], ids=str
)
def test_what_pages_tell_to_type_is_known(page: Path) -> None:
    for line in page.read_text().splitlines():
        for words in re.findall(r"deploy/\w+\.py(?: +(?!deploy/)[^ |`;)]+)*", line):
            (deploy,) = re.findall(r"deploy/(\w+)\.py", words)
            assert list(asked.unknown([deploy], re.findall(r"--data (\w+)=", words))) == []


def _refused(*words: str) -> str:
    """Return what a run says that ends before the first host is asked."""
    ran = subprocess.run(
        [str(Path(sys.executable).with_name("pyinfra")), "-y", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 1
    assert "Connecting to hosts" not in ran.stderr
    return ran.stderr


def test_nobody_is_asked(tmp_path: Path) -> None:
    inventory = tmp_path / "few.py"
    inventory.write_text('few = [("gpu-1", {"ssh_hostname": "127.0.0.1", "ssh_port": 1})]\n')
    words = ["--data", "levae=vllm-0.33", "--data", "x=1", "--limit", "gpu-2"]
    assert _refused(*words, str(inventory), "deploy/rollback.py").endswith(
        "--data levae: deploy/rollback.py asks for no such key, did you mean leave\n"
        "--data x: deploy/rollback.py asks for no such key, known are break_lock, leave, plan, "
        "reports, to, until\n"
        "--limit gpu-2: there is no such host and no such group, did you mean gpu-1\n"
        "nothing was changed on any host\n"
    )


def test_inventory_that_is_not_there() -> None:
    assert _refused("inventories/pord.py", "deploy/upgrade.py").endswith(
        "inventories/pord.py: has no hosts, the file of an inventory is right\n"
        "nothing was changed on any host\n"
    )
