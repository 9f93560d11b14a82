"""A program is measured with all that it starts, and nothing of it stays."""

import os
import sys
from pathlib import Path

import pytest

from bench.converge.gauge import measured
from roles.lab import LabError
from roles.lab.cgroup import hierarchies

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="control groups need root")
_BUSY = "import time; end = time.process_time() + 0.2\nwhile time.process_time() < end: pass"


def test_what_leaves_its_parents_counts_too(tmp_path: Path) -> None:
    # It holds 64 MiB and is at work in a session of its own, and its parents do not wait for it.
    held = f"x = bytearray(64 << 20)\n{_BUSY}\nopen('done', 'w').write('1')\ntime.sleep(60)"
    script = (
        f'setsid --fork "{sys.executable}" -c "$HELD"; while [ ! -s done ]; do sleep 0.05; done;'
        " echo said; echo told >&2; exit 3"
    )
    done = measured(["sh", "-c", script], environment={**os.environ, "HELD": held}, folder=tmp_path)
    assert (done.code, done.out, done.err) == (3, "said\n", "told\n")
    assert done.cpu_s >= 0.2
    assert 64 <= done.peak_mib < 128
    assert done.wall_s >= 0.2
    folders = [hierarchy.top / f"metalserve-bench-{os.getpid()}" for hierarchy in hierarchies()]
    assert not [folder for folder in folders if folder.exists()]
    for path in Path("/proc").glob("[0-9]*/environ"):
        assert b"bytearray(64 << 20)" not in _read(path)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def test_what_does_not_end_is_ended(tmp_path: Path) -> None:
    with pytest.raises(LabError, match=r"sleep: no end after 0\.2 s"):
        measured(["sleep", "60"], environment=os.environ, folder=tmp_path, within_s=0.2)
