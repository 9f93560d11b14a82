"""What a server left in shared memory goes, and what anybody uses stays, with the reason."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import shm

from tests.roles.hostside.staged import Host, names

SEMAPHORE, BUFFER = "sem.llm_backend_sem_7", "llm_tokenizer_shared_memory_0"


@pytest.fixture
def folder(tree: Path) -> Path:
    """A folder in memory in the place of ``/dev/shm``."""
    made = tree / "shm"
    made.mkdir()
    return made


def _leave(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).write_bytes(b"x" * 8192)


def test_nothing_there_is_nothing_to_say(folder: Path) -> None:
    assert shm.clean("chat", str(folder)) == []


def test_what_nobody_uses_goes_and_others_files_stay(folder: Path) -> None:
    others = ("psm_1234", "torch_77_1", "my_llm_tokenizer_shared_memory_0", "mllm_backend")
    _leave(folder, SEMAPHORE, BUFFER, *others)
    (folder / "llm_backend_folder").mkdir()
    (folder / "llm_backend_link").symlink_to(folder / "psm_1234")
    assert shm.clean("chat", str(folder)) == [
        f"removed {BUFFER}, {SEMAPHORE}, which nobody used, 16 KiB"
    ]
    assert names(folder) == sorted([*others, "llm_backend_folder", "llm_backend_link"])


def test_what_is_open_stays(folder: Path) -> None:
    _leave(folder, BUFFER, SEMAPHORE)
    with (folder / BUFFER).open():
        said = shm.clean("chat", str(folder))
    mine = Path("/proc/self/comm").read_text().strip()
    assert said == [
        f"removed {SEMAPHORE}, which nobody used, 8 KiB",
        f"left {folder / BUFFER}: {mine} (pid {os.getpid()}) has it open",
    ]
    assert names(folder) == [BUFFER]


def test_what_is_mapped_and_closed_stays(folder: Path) -> None:
    _leave(folder, SEMAPHORE)
    # Python's own mmap keeps a descriptor.
    maps = "import ctypes, os, sys\nfile = os.open(sys.argv[1], os.O_RDWR)\n"
    maps += "libc = ctypes.CDLL(None)\nlibc.mmap.restype = ctypes.c_void_p\n"
    maps += "libc.mmap.argtypes = [ctypes.c_void_p, ctypes.c_size_t, *[ctypes.c_int] * 3, "
    maps += "ctypes.c_long]\nassert libc.mmap(None, 4096, 3, 1, file, 0)\nos.close(file)\n"
    maps += "print('mapped', flush=True)\nsys.stdin.read()\n"
    with subprocess.Popen(
        [sys.executable, "-c", maps, str(folder / SEMAPHORE)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as other:  # fmt: skip
        assert other.stdout is not None
        assert other.stdout.readline() == "mapped\n"
        (said,) = shm.clean("chat", str(folder))
        other.communicate("")
    assert f"(pid {other.pid}) has it open" in said
    assert names(folder) == [SEMAPHORE]
    assert shm.clean("chat", str(folder)) == [f"removed {SEMAPHORE}, which nobody used, 8 KiB"]


class _User:
    """An entry of the user database."""

    def __init__(self, name: str) -> None:
        self.pw_name = name


@pytest.fixture
def owner(monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[int, str]]:
    """Whose files are whose, by the numbers of users."""
    known = {os.geteuid(): "metalserve-chat"}
    monkeypatch.setattr(shm.pwd, "getpwuid", lambda number: _User(known[number]))
    return known


def test_what_a_running_instance_owns_stays(
    folder: Path, host: Host, owner: dict[int, str]
) -> None:
    """Between two of its processes nobody may have it open."""
    _leave(folder, BUFFER)
    host.serving("old")
    assert shm.clean("talk", str(folder)) == [f"left {folder / BUFFER}: it is chat's, which runs"]
    assert names(folder) == [BUFFER]


def test_what_the_instance_itself_left_goes(
    folder: Path, host: Host, owner: dict[int, str]
) -> None:
    """Its unit counts as running: it is about to start."""
    _leave(folder, BUFFER)
    host.serving("old")
    assert shm.clean("chat", str(folder)) == [f"removed {BUFFER}, which nobody used, 8 KiB"]


@pytest.mark.parametrize("user", ["metalserve-gone", "HwHiAiUser", None])
def test_what_is_of_nobody_that_runs_goes(
    folder: Path, host: Host, owner: dict[int, str], user: str | None
) -> None:
    _leave(folder, BUFFER)
    owner.clear()
    if user:
        owner[os.geteuid()] = user
    assert shm.clean("chat", str(folder)) == [f"removed {BUFFER}, which nobody used, 8 KiB"]
