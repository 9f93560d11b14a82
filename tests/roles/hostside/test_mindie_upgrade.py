"""Settings that somebody made by hand come to a newer MindIE, once, and nothing else does."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import mindie_upgrade
import places
import pytest

from tests.standins.mindie import shipped

OLDER, NEWER = "2.3.0", "3.0.0"
SCHEDULE, DEPLOY = "BackendConfig.ScheduleConfig", "BackendConfig.ModelDeployConfig"


class Installed:
    """Two versions of MindIE beside each other, the newer one just installed."""

    def __init__(self, folder: Path) -> None:
        self.older, self.newer = folder / "older.json", folder / "newer.json"
        for version, file in ((OLDER, self.older), (NEWER, self.newer)):
            file.write_text(shipped.config(version))
            kept = Path(places.shipped_settings(version))
            kept.parent.mkdir(exist_ok=True)
            kept.write_text(shipped.config(version))
        self.waits = Path(places.settings_from(NEWER))
        self.waits.write_text(f"{OLDER}\n")

    def edit(self, file: Path, **changed: Any) -> None:
        """Set keys by their path, with ``__`` for what is between."""
        content = json.loads(file.read_text())
        for path, value in changed.items():
            *parents, name = path.split("__")
            holder = content
            for parent in parents:
                holder = holder[0][parent] if isinstance(holder, list) else holder[parent]
            holder = holder[0] if isinstance(holder, list) else holder
            if value is None:
                del holder[name]
            else:
                holder[name] = value
        file.write_text(json.dumps(content))

    def carry(self) -> list[str]:
        """Carry over and return what is said."""
        return mindie_upgrade.carry(OLDER, NEWER, str(self.older), str(self.newer))

    @property
    def differs(self) -> dict[str, Any]:
        """What the newer file has other than it came with, by path."""
        came = dict(mindie_upgrade._leaves(shipped.document(NEWER)))
        now = dict(mindie_upgrade._leaves(json.loads(self.newer.read_text())))
        assert [*came] == [*now]
        return {path: value for path, value in now.items() if value != came[path]}


@pytest.fixture
def installed(tree: Path) -> Installed:
    """Two versions of MindIE beside each other."""
    return Installed(tree)


def test_what_was_made_by_hand_comes_over(installed: Installed) -> None:
    installed.edit(
        installed.older,
        ServerConfig__maxLinkNum=300,
        ServerConfig__tlsCrlFiles=["a.pem", "b.pem"],
        BackendConfig__npuDeviceIds=[[0, 1]],
        BackendConfig__ModelDeployConfig__truncation=True,
        BackendConfig__ModelDeployConfig__ModelConfig__worldSize=2,
    )
    before = installed.older.read_bytes()
    paths = [
        "ServerConfig.maxLinkNum", "ServerConfig.tlsCrlFiles", "BackendConfig.npuDeviceIds",
        f"{DEPLOY}.truncation", f"{DEPLOY}.ModelConfig.0.worldSize",
    ]  # fmt: skip
    assert installed.carry() == [f"carried over from 2.3.0: {', '.join(paths)}"]
    assert installed.differs == dict(
        zip(paths, [300, ["a.pem", "b.pem"], [[0, 1]], True, 2], strict=True)
    )
    assert installed.older.read_bytes() == before


def test_nothing_was_made_by_hand(installed: Installed) -> None:
    before = installed.newer.read_bytes()
    assert installed.carry() == ["carried over from 2.3.0: nothing"]
    assert installed.newer.read_bytes() == before


def test_what_the_newer_one_does_not_have_is_named(installed: Installed) -> None:
    installed.edit(
        installed.older,
        ServerConfig__tlsPkPwd="security/pass/mine.txt",
        BackendConfig__ScheduleConfig__enableSplit=True,
        ServerConfig__port=1040,
    )
    assert installed.carry() == [
        "carried over from 2.3.0: ServerConfig.port",
        f"not carried over, it ships no such key: ServerConfig.tlsPkPwd, {SCHEDULE}.enableSplit",
    ]
    assert installed.differs == {"ServerConfig.port": 1040}


def test_what_holds_something_else_is_named(installed: Installed) -> None:
    installed.edit(installed.older, ServerConfig__tlsCaFile="ca.pem", ServerConfig__port=None)
    assert installed.carry() == [
        "carried over from 2.3.0: nothing",
        "not carried over, it holds another kind of value there: ServerConfig.tlsCaFile",
        "not carried over, was taken out there, and is as it ships: ServerConfig.port",
    ]
    assert installed.differs == {}


def test_what_was_changed_in_both_stays_as_it_is_in_the_newer(installed: Installed) -> None:
    installed.edit(installed.older, ServerConfig__port=1040, ServerConfig__maxLinkNum=300)
    installed.edit(installed.newer, ServerConfig__port=1050)
    assert installed.carry() == [
        "carried over from 2.3.0: ServerConfig.maxLinkNum",
        "not carried over, it was changed here as well: ServerConfig.port",
    ]
    assert installed.differs == {"ServerConfig.port": 1050, "ServerConfig.maxLinkNum": 300}


def test_done_again_it_comes_to_the_same(installed: Installed) -> None:
    installed.edit(installed.older, ServerConfig__port=1040)
    said = installed.carry()
    found = installed.newer.stat()
    assert installed.carry() == said
    again = installed.newer.stat()
    assert (found.st_ino, found.st_mtime_ns) == (again.st_ino, again.st_mtime_ns)


def test_file_stays_as_open_as_it_was(installed: Installed) -> None:
    installed.edit(installed.older, ServerConfig__port=1040)
    installed.newer.chmod(0o640)
    if os.geteuid() == 0:
        os.chown(installed.newer, 0, 7)
    owner = installed.newer.stat().st_gid
    installed.carry()
    found = installed.newer.stat()
    assert (found.st_mode & 0o777, found.st_gid) == (0o640, owner)


def test_what_it_came_with_was_not_kept(installed: Installed) -> None:
    """Installed by hand, or by an earlier release of ours."""
    Path(places.shipped_settings(OLDER)).unlink()
    installed.edit(installed.older, ServerConfig__port=1040)
    assert installed.carry() == [
        "what 2.3.0 came with was not kept, so that nothing of it was carried over; "
        f"compare {installed.older} and {installed.newer} yourself"
    ]
    assert installed.differs == {}


def test_package_of_another_layout(installed: Installed) -> None:
    installed.newer.unlink()
    assert installed.carry() == [
        f"has no {installed.newer}, so that nothing was carried over from 2.3.0"
    ]


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "No such file or directory"),
        ('{"Version": "1.0.0", # mine\n}', "should be without the comment"),
        ("[]", "is no JSON object"),
    ],
)
def test_file_that_cannot_be_read_is_told(installed: Installed, text: str | None, why: str) -> None:
    before = installed.newer.read_bytes()
    installed.older.unlink()
    if text is not None:
        installed.older.write_text(text)
    with pytest.raises(SystemExit) as refused:
        installed.carry()
    said = str(refused.value)
    assert said.startswith(f"{installed.older}: ")
    assert why in said
    assert said.endswith("; mend it and run again, nothing was changed")
    assert installed.newer.read_bytes() == before


def test_script_leaves_nothing_to_do(installed: Installed, tree: Path) -> None:
    installed.edit(installed.older, ServerConfig__port=1040)
    given = (OLDER, NEWER, str(installed.older), str(installed.newer))
    run = [sys.executable, "-c", "import sys, places, mindie_upgrade as m\n"
           f"places.ROOT = {places.ROOT!r}\nm.main()", *given]  # fmt: skip
    folder = Path(mindie_upgrade.__file__).parent
    said = subprocess.check_output(run, cwd=folder, text=True)
    assert said == "MindIE 3.0.0 carried over from 2.3.0: ServerConfig.port\n"
    assert not installed.waits.exists()
