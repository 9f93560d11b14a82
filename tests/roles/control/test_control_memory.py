"""A run looks for garbage seldom, and not at its end."""

import subprocess
import sys

SEEN = """
import atexit, gc
atexit.register(lambda: print(gc.get_freeze_count() >= before, gc.get_count()[0] < 1000))
class Round: pass
from roles import control
control.keep_memory()
before = gc.get_freeze_count()
print(before > 10_000, gc.get_threshold()[0])
left = [Round() for _ in range(20_000)]
print(gc.get_count()[0] > 10_000)
"""


def test_memory_is_kept() -> None:
    done = subprocess.run([sys.executable, "-c", SEEN], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["True 100000", "True", "True True"]
