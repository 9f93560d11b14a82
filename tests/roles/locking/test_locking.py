"""Stacks are locked by the real uv, from a tiny index on loopback."""

import hashlib
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyinfra.api import FunctionCommand

from roles.locking import operations
from roles.locking.changed import changes
from roles.spec import Lock
from tests.standins.index import Index, sha256
from tests.standins.openai import wheel

STACK = '''\
"""A stack."""

from datetime import date
from pathlib import Path

from roles.spec import Accelerator, Engine, Lock, Stack

STACK = Stack(
    name="tiny-1.0-cpu",
    engine=Engine.VLLM,
    accelerator=Accelerator.CPU,
    version="1.0.0",
    python="3.12",
    command=("-m", "tiny"),
    lock=Lock(
        file=Path(__file__).with_suffix(".txt"), glibc="2.31", as_of=date(2026, 8, 1)
    ),
    disk_gib=1,
)
'''


@pytest.fixture
def index(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Index]:
    """An index with an engine that leaves what it needs without a bound."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "uv"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    made = tmp_path / "index"
    made.mkdir()
    with Index(made) as index:
        index.put("tiny", "1.0.0", "parser>=1", day="2026-07-25")
        index.put("parser", "1.0", day="2026-07-01")
        index.put("parser", "2.0", day="2026-08-01")
        index.put("parser", "3.0", day="2026-08-02")
        yield index


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stacks, one of them; what is written twice in a second is read twice."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    folder = tmp_path / "stacks"
    folder.mkdir()
    (folder / "tiny_1_0_cpu.py").write_text(STACK)
    (folder / "tiny_1_0_cpu.in").write_text("# Of a test.\ntiny==1.0.0\n")
    return folder


class _Host:
    print_prefix = ""


def _lock(
    folder: Path, caplog: pytest.LogCaptureFixture, index: Index | None = None, **data: object
) -> tuple[bool, str]:
    """Whether it succeeded, and what it said."""
    caplog.clear()
    given = {"folder": str(folder), **({"index": index.url} if index else {}), **data}
    (command,) = operations.locked_stacks._inner(data=given)
    assert isinstance(command, FunctionCommand)
    with caplog.at_level("INFO", logger="pyinfra"):
        done = command.function(None, _Host(), **command.kwargs)
    return done, "\n".join(record.getMessage() for record in caplog.records)


def test_made(folder: Path, index: Index, caplog: pytest.LogCaptureFixture) -> None:
    """What was uploaded after the day is not in it, what was uploaded on it is."""
    done, said = _lock(folder, caplog, index)
    assert (done, said) == (True, "tiny_1_0_cpu: 2 packages locked")
    lock = folder / "tiny_1_0_cpu.txt"
    names = ("parser-2.0", "tiny-1.0.0")
    digests = [sha256(index.folder / f"{name}-py3-none-any.whl") for name in names]
    assert lock.read_text() == (
        f"parser==2.0 \\\n    --hash=sha256:{digests[0]}\n"
        f"tiny==1.0.0 \\\n    --hash=sha256:{digests[1]}\n"
    )
    assert Lock(file=lock).faults() == []
    assert sorted(path.suffix for path in folder.iterdir() if path.is_file()) == [
        ".in", ".py", ".txt",
    ]  # fmt: skip


def test_made_again(folder: Path, index: Index, caplog: pytest.LogCaptureFixture) -> None:
    """Nothing changes, neither the lock nor the moment that it was written."""
    _lock(folder, caplog, index)
    written = (folder / "tiny_1_0_cpu.txt").stat().st_mtime_ns
    index.put("parser", "2.5", day="2026-09-01")
    done, said = _lock(folder, caplog, index, stack="tiny_1_0_cpu")
    assert (done, said) == (True, "tiny_1_0_cpu: its lock is what the index has today")
    assert (folder / "tiny_1_0_cpu.txt").stat().st_mtime_ns == written


def test_renewed_only_when_asked(
    folder: Path, index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    """A name that may be on hosts keeps its meaning."""
    _lock(folder, caplog, index)
    lock = folder / "tiny_1_0_cpu.txt"
    before = lock.read_text()
    index.put("parser", "2.1", "grammar", day="2026-07-30")
    index.put("grammar", "1.0", day="2026-07-30")
    source = folder / "tiny_1_0_cpu.in"
    source.write_text(source.read_text() + "parser<2.2,!=2.0\n")

    done, said = _lock(folder, caplog, index)
    assert not done
    assert lock.read_text() == before
    assert said.splitlines() == [
        "tiny_1_0_cpu: its lock is as it was: the index has 2 of its packages otherwise today:",
        "  grammar: none → 1.0",
        "  parser: 2.0 → 2.1",
        "tiny-1.0-cpu may be on hosts, where its name means this lock: write a stack of another "
        "name, or give --data renew=yes where it never was deployed",
    ]

    done, said = _lock(folder, caplog, index, renew="yes")
    assert done
    assert "parser==2.1" in lock.read_text()
    assert said.splitlines() == [
        "tiny_1_0_cpu: its lock was renewed",
        "tiny_1_0_cpu: grammar: none → 1.0",
        "tiny_1_0_cpu: parser: 2.0 → 2.1",
    ]


def test_overrides_are_read(folder: Path, index: Index, caplog: pytest.LogCaptureFixture) -> None:
    (folder / "tiny_1_0_cpu.overrides.txt").write_text("parser==1.0\n")
    assert _lock(folder, caplog, index)[0]
    assert "parser==1.0 " in (folder / "tiny_1_0_cpu.txt").read_text()


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("tiny==1.0.0\nparser>=3", "parser"),
        ("tiny==9.9.9", "no version of tiny==9.9.9"),
        ("absent==1.0", "absent was not found in the package registry"),
        ("heavy==1.0", "heavy"),
    ],
)
def test_what_does_not_resolve(
    folder: Path, index: Index, caplog: pytest.LogCaptureFixture, source: str, message: str
) -> None:
    """A bound that the day contradicts, a version and a package that are not there, an old OS."""
    index.put("heavy", "1.0", day="2026-07-01", tag="cp312-cp312-manylinux_2_34_x86_64")
    (folder / "tiny_1_0_cpu.in").write_text(source)
    done, said = _lock(folder, caplog, index)
    assert not done
    assert said.startswith("tiny_1_0_cpu: its lock is as it was: uv resolves nothing:\n")
    assert message in said
    assert not (folder / "tiny_1_0_cpu.txt").exists()


def test_made_for_another_machine(
    folder: Path, index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    """The one wheel that there is fits it alone."""
    index.put("parser", "1.5", day="2026-07-01", tag="cp312-cp312-manylinux_2_28_aarch64")
    source, file = folder / "tiny_1_0_cpu.in", folder / "tiny_1_0_cpu.py"
    source.write_text("parser==1.5\n")
    said = _lock(folder, caplog, index)[1]
    assert "parser==1.5 has no wheels with a matching platform tag" in said
    file.write_text(file.read_text().replace('glibc="2.31"', 'glibc="2.31", arch="aarch64"'))
    assert _lock(folder, caplog, index) == (True, "tiny_1_0_cpu: 1 packages locked")


def _broken(folder: Path, before: str, after: str) -> None:
    file = folder / "tiny_1_0_cpu.py"
    file.write_text(file.read_text().replace(before, after))


def test_what_cannot_be_asked(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    done, said = _lock(folder, caplog, stack="huge")
    assert not done
    assert said == (f"nothing was locked: stack: {folder} has no huge.in, there are tiny_1_0_cpu")
    assert _lock(folder, caplog, renew="please") == (
        False, "nothing was locked: renew: is 'please', yes and no are right",
    )  # fmt: skip
    _broken(folder, 'glibc="2.31", ', "")
    assert "tiny_1_0_cpu.py: lock/glibc is missing, give the oldest" in _lock(folder, caplog)[1]
    _broken(folder, 'python="3.12"', 'python="three"')
    assert "tiny_1_0_cpu.py: python: is 'three', should be a minor" in _lock(folder, caplog)[1]
    _broken(folder, "STACK = ", "OTHER = ")
    assert "tiny_1_0_cpu.py has no STACK" in _lock(folder, caplog)[1]
    (folder / "tiny_1_0_cpu.py").unlink()
    assert "tiny_1_0_cpu.py does not exist, a stack says" in _lock(folder, caplog)[1]
    (folder / "tiny_1_0_cpu.in").unlink()
    assert f"{folder} has no .in, write one beside the stack" in _lock(folder, caplog)[1]


def test_hashes_of_vendors_files_may_come_later(
    folder: Path, index: Index, caplog: pytest.LogCaptureFixture
) -> None:
    """Who locks packages need not have the vendor's files."""
    _broken(folder, "Accelerator.CPU", "Accelerator.ASCEND")
    _broken(folder, "Engine.VLLM", "Engine.VLLM_ASCEND")
    toolkit = 'installers(Path("none.sha256"), "Ascend-cann-toolkit_8.5.1_linux-aarch64.run")'
    _broken(folder, "disk_gib=1", f"disk_gib=1, installers={toolkit}")
    _broken(folder, "Lock, Stack", "Lock, Stack, installers")
    done, said = _lock(folder, caplog, index)
    assert done, said
    assert "tiny==1.0.0" in (folder / "tiny_1_0_cpu.txt").read_text()


def test_wheels_of_a_folder(
    folder: Path,
    index: Index,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    """What no index has is locked from where its owner keeps it, beside what another one asks."""
    own = wheel.pack(tmp_path / "own", "own", "3.0.0", {"own/__init__.py": b""})
    monkeypatch.setenv("UV_FIND_LINKS", str(own.parent))
    (folder / "other.txt").write_text("parser==1.0\n")
    source = folder / "tiny_1_0_cpu.in"
    source.write_text(f"{source.read_text()}-r other.txt\nown==3.0.0\n")
    done, said = _lock(folder, caplog, index)
    assert done, said
    lock = (folder / "tiny_1_0_cpu.txt").read_text()
    assert re.findall(r"^\S+==\S+", lock, re.M) == ["own==3.0.0", "parser==1.0", "tiny==1.0.0"]
    assert f"sha256:{hashlib.sha256(own.read_bytes()).hexdigest()}" in lock


def test_lock_of_another_file(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    _broken(folder, '.with_suffix(".txt")', '.with_name("lock.txt")')
    done, said = _lock(folder, caplog)
    assert not done
    assert f"lock/file is {folder}/lock.txt, should be {folder}/tiny_1_0_cpu.txt" in said


def test_other_files_of_the_same_version() -> None:
    first, second = "a" * 64, "b" * 64
    before = f"tiny==1.0 \\\n    --hash=sha256:{first}\nparser==1.0 \\\n    --hash=sha256:{first}\n"
    after = before.replace(f"{first}\nparser", f"{first} \\\n    --hash=sha256:{second}\nparser")
    assert changes(before, after) == ["tiny: 1.0 has other files"]
    assert changes(before, before) == []
