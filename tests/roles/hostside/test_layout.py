"""A host is laid out whole, what is right is left alone, and whoever was stopped is run again."""

import base64
import copy
import errno
import grp
import io
import json
import os
import pwd
import stat
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import durable
import layout
import lock
import places
import pytest
import receipts

from tests.roles.hostside.killed import Killed, kill_at
from tests.roles.hostside.staged import names
from tests.standins.systemctl.systemd import Systemd

TEXTS = {"one.py": "ONE = 'größer'\n", "two.py": "import one\n"}
PACKED = base64.b64encode(zlib.compress(json.dumps(TEXTS).encode())).decode()
OWNER = {"run": "r1", "who": "a@b", "machine": "m", "pid": 1, "started": 1, "break": None}
UNIT, SOCKET, TEMPLATE = "metalserve-recover.service", "metalserve-agent.socket", "metalserve-v@."
EVERYTHING = (
    f"folders: 2 made or put right; scripts: 2 brought; {UNIT} written; {TEMPLATE}service written"
)


@pytest.fixture
def wanted(tree: Path) -> dict[str, Any]:
    """All but accounts, which are the machine's own."""
    unit, link = f"{places.UNITS}/{UNIT}", places.wants(UNIT)
    folders = {f"{tree}/data/weights": "755", f"{places.STATE}/secrets": "700"}
    return {
        "folders": folders,
        "scripts": {"folder": f"{places.ROOT}/hostside-1", "link": f"{places.ROOT}/hostside"},
        "files": {unit: "[Unit]\n", f"{places.UNITS}/{TEMPLATE}service": "[Unit]\n"},
        "links": {link: unit},
        "units": [UNIT, f"{TEMPLATE}service"],
        "start": [UNIT],
        "receipt": {
            "phase": "prepare",
            "digest": "d1",
            "paths": [*folders, f"{places.ROOT}/hostside", unit, link],
        },
    }


def _run(monkeypatch: pytest.MonkeyPatch, wanted: Any) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(f"{json.dumps(wanted)}\n{PACKED}\n"))
    layout.main()


def _scripts() -> dict[str, str]:
    folder = Path(places.ROOT, "hostside")
    return {path.name: path.read_text() for path in folder.iterdir()}


def _mode(path: str) -> int:
    return stat.S_IMODE(Path(path).stat().st_mode)


def test_everything_is_laid_out(
    wanted: dict[str, Any],
    systemd: Systemd,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    _run(monkeypatch, wanted)
    assert capsys.readouterr().out == f"{EVERYTHING}\n"
    assert _scripts() == TEXTS
    assert Path(places.ROOT, "hostside").readlink() == Path(places.ROOT, "hostside-1")
    assert [_mode(path) for path in wanted["folders"]] == [0o755, 0o700]
    assert Path(places.wants(UNIT)).resolve() == Path(places.UNITS, UNIT)
    assert receipts.read_all() == {"prepare": {"digest": "d1", "drift": []}}
    # What it had never heard of it need not read again.
    assert systemd.calls == [_shown(), f"systemctl start {UNIT}"]


def _shown() -> str:
    asked = "systemctl show --property=LoadState,NeedDaemonReload"
    return f"{asked} {UNIT} {TEMPLATE.replace('@', '@*')}service"


@pytest.fixture
def again(
    wanted: dict[str, Any],
    systemd: Systemd,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Callable[[], str]:
    """A host where everything is laid out; lay it out once more and return what was said."""
    _run(monkeypatch, wanted)
    capsys.readouterr()

    def run() -> str:
        _run(monkeypatch, wanted)
        return capsys.readouterr().out

    return run


def test_second_run_touches_nothing(again: Callable[[], str], systemd: Systemd, tree: Path) -> None:
    paths = [path for path in tree.rglob("*") if path.parent.name != "receipts"]
    before = {path: (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in paths[1:]}
    assert again() == "everything was there\n"
    left = {path: (path.lstat().st_ino, path.lstat().st_ctime_ns) for path in before}
    receipt = {path for path in before if path.name == "receipts"}
    assert {path for path in before if left[path] != before[path]} <= receipt
    assert systemd.calls[-2:] == [_shown(), f"systemctl start {UNIT}"]


def test_systemd_reads_a_unit_anew_that_it_knows_otherwise(
    wanted: dict[str, Any], systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(monkeypatch, wanted)
    wanted["files"][f"{places.UNITS}/{UNIT}"] = "[Unit]\nDescription=other\n"
    _run(monkeypatch, wanted)
    assert systemd.calls[-3:] == [_shown(), "systemctl daemon-reload", f"systemctl start {UNIT}"]
    _run(monkeypatch, wanted)
    assert systemd.calls[-2:] == [_shown(), f"systemctl start {UNIT}"]


def test_socket_is_stopped_with_its_service_before_it_starts(
    wanted: dict[str, Any], systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted["files"][f"{places.UNITS}/{SOCKET}"] = "[Socket]\n"
    _run(monkeypatch, wanted | {"again": [SOCKET], "start": [UNIT, SOCKET]})
    assert systemd.calls[1:] == [f"systemctl stop {SOCKET}", f"systemctl start {UNIT} {SOCKET}"]


def test_accounts(monkeypatch: pytest.MonkeyPatch) -> None:
    ran: list[tuple[str, ...]] = []
    monkeypatch.setattr(layout, "_ran", lambda *words: ran.append(words))
    here_user, here_group = pwd.getpwuid(0).pw_name, grp.getgrgid(0).gr_name
    wanted = {"groups": [here_group, "no-such-1"], "users": ["no-such-2", here_user, "no-such-3"]}
    assert layout.lay_out({"accounts": wanted}, "") == [
        "no-such-1 added", "no-such-2 added", "no-such-3 added",
    ]  # fmt: skip
    user = "useradd --system --home-dir /nonexistent --no-create-home --shell /usr/sbin/nologin"
    assert [" ".join(words) for words in ran] == [
        "groupadd --system no-such-1", f"{user} no-such-2", f"{user} no-such-3",
    ]  # fmt: skip


def _folder_made(path: Path) -> None:
    path.unlink()
    path.mkdir()


CHANGES: list[tuple[str, Callable[[Path], object], str]] = [
    ("opt/hostside-1/one.py", lambda path: path.write_text(""), "scripts: 1 brought"),
    ("opt/hostside-1/one.py", Path.unlink, "scripts: 1 brought"),
    ("opt/hostside-1/one.py", _folder_made, "scripts: 1 brought"),
    ("opt/hostside-1/two.py", lambda path: path.chmod(0o666), "scripts: 1 brought"),
    ("opt/hostside-1/json.py", lambda path: path.write_text(""), "everything was there"),
    ("opt/hostside-1/json", Path.mkdir, "everything was there"),
    ("opt/hostside-1", lambda path: path.chmod(0o777), "everything was there"),
    ("opt/hostside", Path.unlink, "everything was there"),
    (f"units/{UNIT}", lambda path: path.write_text("#"), f"{UNIT} written"),
    (f"units/{UNIT}", lambda path: os.chown(path, 12345, -1), f"{UNIT} written"),
    ("units/multi-user.target.wants/" + UNIT, Path.unlink, "everything was there"),
    ("state/secrets", lambda path: path.chmod(0o755), "folders: 1 made or put right"),
    ("state/secrets", lambda path: os.chown(path, 12345, -1), "folders: 1 made or put right"),
    ("data/weights", Path.rmdir, "folders: 1 made or put right"),
]


@pytest.mark.parametrize(("name", "change", "said"), CHANGES)
def test_what_was_changed_by_hand_is_put_right(
    name: str,
    change: Callable[[Path], object],
    said: str,
    again: Callable[[], str],
    tree: Path,
) -> None:
    before = _state(tree)
    change(tree / name)
    assert again() == f"{said}\n"
    assert _state(tree) == before


def _state(tree: Path) -> dict[str, Any]:
    paths = [path for path in tree.rglob("*") if path.parent.name != "receipts"]
    return {str(path): receipts.state(str(path)) for path in paths}


@pytest.mark.parametrize("drifted", [False, True])
def test_stopped_at_any_moment_the_next_run_ends_it(
    drifted: bool, wanted: dict[str, Any], systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Recovery at boot has all of its scripts at any time, in one version or the other."""
    moment = 0
    while True:
        moment += 1
        version = copy.deepcopy(wanted)
        if not drifted:
            version["scripts"]["folder"] = f"{places.ROOT}/hostside-{moment}"
        elif moment > 1:
            Path(places.ROOT, "hostside/one.py").write_text("")
        with monkeypatch.context() as patched:
            kill_at(patched, moment)
            try:
                _run(patched, version)
            except Killed:
                killed = True
            else:
                killed = False
        if moment > 1:
            assert set(_scripts()) >= set(TEXTS)
        _run(monkeypatch, version)
        assert _scripts() == TEXTS
        assert receipts.read_all()["prepare"]["drift"] == []
        assert not any(name.endswith(".new") for name in names(Path(places.ROOT)))
        if not killed:
            break
    assert moment > 3


def test_full_disk_is_not_left_fuller(
    wanted: dict[str, Any], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "rename", full)
    with pytest.raises(SystemExit, match=r"not everything is laid out: .*No space left.*run again"):
        _run(monkeypatch, wanted)
    assert names(Path(places.ROOT)) == []


def test_command_that_fails(
    wanted: dict[str, Any], systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = r"laid out: systemctl start no\.service ended with 5; what is there is whole, run again"
    with pytest.raises(SystemExit, match=said):
        _run(monkeypatch, wanted | {"start": ["no.service"]})
    assert receipts.read_all() == {}


def test_lock_is_taken_first_and_kept(
    wanted: dict[str, Any], systemd: Systemd, monkeypatch: pytest.MonkeyPatch
) -> None:
    _run(monkeypatch, wanted | {"lock": OWNER})
    assert lock.owner()["run"] == "r1"
    with pytest.raises(SystemExit, match=r"this host is locked by a@b \(run r1\)"):
        _run(monkeypatch, wanted | {"lock": OWNER | {"run": "r2"}, "folders": {"/proc/no": "755"}})
    assert lock.owner()["run"] == "r1"


def test_nothing_but_scripts(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a host that is to go, systemd is asked nothing and no receipt is left."""
    scripts = {"folder": f"{places.ROOT}/hostside-1", "link": f"{places.ROOT}/hostside"}
    monkeypatch.setenv("PATH", "/nowhere")
    _run(monkeypatch, {"scripts": scripts, "lock": None})
    assert _scripts() == TEXTS
    assert names(Path(places.STATE)) == []
    assert durable.read_link(places.lock()) is None
