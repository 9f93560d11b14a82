"""A run that outlives its bound is ended, with all that it started."""

import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.lab.site import Site


@dataclass
class _Slow(Site):
    """What it starts goes on after it."""

    def start(self, deploy: str, *words: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            ["sh", "-c", "sleep 600 & sleep 600"], text=True, start_new_session=True,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip


def test_bound(tmp_path: Path) -> None:
    site = _Slow(hosts=[], folder=tmp_path, stack="", packages="")
    began = time.monotonic()
    with pytest.raises(subprocess.TimeoutExpired):
        site.run("main", within_s=0.2)
    assert time.monotonic() - began < 300
