"""A bench that would fill the disk does not begin."""

from types import SimpleNamespace

import pytest

from bench import room
from roles.lab import LabError


def test_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(room, "disk_usage", lambda _: SimpleNamespace(free=9.2 * 2**30))
    room.refuse_full_disk(9, "uv")
    with pytest.raises(LabError, match=r"9\.2 GiB are free, 12 are right for uv, pip"):
        room.refuse_full_disk(12, "uv, pip")
