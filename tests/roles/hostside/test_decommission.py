"""Nothing of ours is left but what was to stay, wherever it is killed; nothing of others' goes."""

import functools
import grp
import json
import os
import pwd
import shutil
import sys
from pathlib import Path
from typing import Any

import decommission
import durable
import jobs
import lock
import parting
import places
import progress
import pytest
import remains
import removal
import rotation
import unneeded

from tests.roles.hostside.staged import UNIT, Host
from tests.standins.systemctl.systemd import BIN

OWNER = {"run": "r1", "who": "me@desk", "machine": "m", "pid": 1, "started": 1, "break": None}
# What is asked of the distribution's tools is written down, and no more: this machine has them too.
TOOL = """#!/bin/sh
busy=
[ "$1" != "$FAILS" ] || busy=busy
echo "${0##*/} $* $busy" >> "$TOLD"
[ ! "$busy" ] || { echo busy >&2; exit 8; }
"""


class Site:
    """A host with two instances, one of which serves, and all that goes with them."""

    def __init__(self, tree: Path, host: Host, tools: Path) -> None:
        self.tree, self.host, self.told = tree, host, tools / "told"
        self.weights = tree / "srv/metalserve/weights"
        host.serving("old")
        for path in (
            "opt/hostside-1/lock.py",
            "opt/stacks/one-0123456789ab/complete.json",
            "opt/instances/draw/note",
            "opt/releases/draw/one/start",
            "opt/gateway/current",
            "state/receipts/prepare.json",
            "state/receipts/stage-draw.json",
            "state/receipts/stage-chat.json",
            "state/secrets/draw/g1/api-key",
            "state/jobs/decommission/plan.json",
            "state/jobs/activate-draw/plan.json",
            "state/checks/draw/one.json",
            "state/agent.json.old",
            "cache/draw/one/compiled",
            "log/platform/driver.log",
            f"units/{places.GATEWAY_UNIT}",
            f"units/{places.AGENT_UNIT}",
            f"units/{places.AGENT_SOCKET}",
            f"units/{places.RECOVER_UNIT}",
            "units/metalserve-vllm@.service.d/override.conf",
            "units/sockets.target.wants/metalserve-agent.socket",
            "units/multi-user.target.wants/metalserve-vllm@draw.service",
            "units/ssh.service",
            "srv/metalserve/weights/qwen/0123456789ab/model.safetensors",
            "srv/metalserve/weights/qwen/0123456789ab.torrent",
            "srv/metalserve/weights/.incoming/0123456789ab/config.json",
        ):
            self.file(path)
        (tree / "opt/hostside").symlink_to(tree / "opt/hostside-1")
        durable.write_json(places.AUDIT, {"at": "then"})
        lock.take(OWNER)
        self.plan: dict[str, Any] = {
            "name": "this host",
            "instance": None,
            "part": None,
            "drains": {"chat": 1},
            "longest_s": 1,
            "weights_root": str(self.weights),
            "erase": [],
            "who": "me@desk",
        }

    def file(self, path: str) -> Path:
        """Have a file below the tree."""
        made = self.tree / path
        made.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(path)
        return made

    @property
    def left(self) -> list[str]:
        """Every file and every empty folder that is there."""
        found = []
        for folder, below, files in os.walk(self.tree):
            links = [name for name in below if Path(folder, name).is_symlink()]
            found += [f"{folder}/{name}" for name in (*files, *links)]
            found += [] if below or files else [folder]
        return sorted(os.path.relpath(path, self.tree) for path in found)

    def run(self) -> str:
        """Do what the job does, and then the last of it."""
        said = self.work()
        decommission.finish(self.plan | {"run": "r1"})
        return said

    def work(self) -> str:
        """Do what the job does."""
        folder = self.tree / "state/jobs/decommission"
        folder.mkdir(parents=True, exist_ok=True)
        return decommission.work(self.plan, progress.Progress(str(folder)))

    def there(self, rows: list[Any]) -> list[Any]:
        """Return the users or groups that were not deleted."""
        gone = [words.split()[-1] for words in self.asked() if "busy" not in words]
        return [row for row in rows if row[0] not in gone]

    def asked(self) -> list[str]:
        """Return what the distribution's tools were told."""
        told = self.told.read_text().splitlines() if self.told.exists() else []
        return [line.strip() for line in told]


@pytest.fixture
def site(tree: Path, host: Host, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """The host; no tool of this machine is within reach."""
    for name in ("userdel", "groupdel", "apt-mark"):
        (tmp_path / name).write_text(TOOL)
        (tmp_path / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{BIN}{os.pathsep}{tmp_path}")
    monkeypatch.setenv("TOLD", str(tmp_path / "told"))
    monkeypatch.setenv("FAILS", "nobody")
    for name in ("GATEWAY_RUN", "PREFERENCES", "NOUVEAU_OFF"):
        monkeypatch.setattr(places, name, f"{tree}/{name}")
    made = Site(tree, host, tmp_path)
    users = ("root", "haproxy", "metalserve-chat", "metalserve-draw", places.AGENT_USER)
    rows = [(name, "x", 5000 + n, 5000 + n, "", "/", "") for n, name in enumerate(users)]
    groups: list[Any] = [("root", "x", 0, []), (places.GROUP, "x", 6000, [])]
    there = made.there
    monkeypatch.setattr(pwd, "getpwall", lambda: [pwd.struct_passwd(row) for row in there(rows)])
    monkeypatch.setattr(grp, "getgrall", lambda: [grp.struct_group(row) for row in there(groups)])
    return made


THEIRS = "units/ssh.service"
WEIGHTS = [
    "srv/metalserve/weights/.incoming/0123456789ab/config.json",
    "srv/metalserve/weights/qwen/0123456789ab.torrent",
    "srv/metalserve/weights/qwen/0123456789ab/model.safetensors",
]
TOLD = [
    "apt-mark unhold haproxy",
    "userdel metalserve-chat",
    "userdel metalserve-draw",
    "userdel metalserve_agent",
    "groupdel metalserve",
]


def test_whole_host(site: Site) -> None:
    assert site.work().startswith("this host: chat drained and stopped; ")
    # Whoever comes after a job that was killed needs these.
    assert {"opt/hostside", "opt/hostside-1/lock.py", "state/lock.json"} < set(site.left)
    stays = decommission.finish(site.plan | {"run": "r1"})
    assert site.left == ["log/audit.jsonl", *WEIGHTS, THEIRS]
    assert not any((site.tree / name).exists() for name in ("opt", "state", "cache", "run"))
    assert stays == [f"{site.weights}: weights", f"{places.AUDIT}: who changed what"]
    assert site.asked() == TOLD
    assert not site.host.systemd.active(UNIT)
    noted = json.loads(Path(places.AUDIT).read_text().splitlines()[-1])
    assert (noted["who"], noted["what"]) == ("me@desk", "decommission this host")


def test_weights_and_audit_log_go_where_that_was_asked(site: Site) -> None:
    site.plan["erase"] = ["weights", "audit"]
    site.file("srv/other/file")
    assert remains.stays(site.plan) == []
    site.run()
    assert site.left == ["srv/other/file", THEIRS]
    assert not (site.tree / "srv/metalserve").exists()
    assert remains.stays(site.plan) == []


def test_weights_of_others_stay(site: Site) -> None:
    site.plan["erase"] = ["weights"]
    theirs = site.file("srv/metalserve/weights/qwen/mine/model.safetensors")
    site.run()
    assert [path for path in site.left if path.startswith("srv")] == [
        os.path.relpath(theirs, site.tree)
    ]
    assert remains.stays(site.plan)[0] == f"{site.weights}: what is not ours"


def test_host_without_anything_of_ours(site: Site) -> None:
    site.plan["erase"] = ["weights", "audit"]
    site.run()
    assert remains.find(site.plan) == []


def test_nobody_sends_requests_to_what_is_stopped(site: Site) -> None:
    durable.write_json(places.agent(), {"asked_every_s": 0.01})
    wants, seen = Path(places.wants(UNIT)), []

    def look(said: str) -> None:
        if said == f"systemctl stop {UNIT}":
            seen.append((rotation.why_out("chat"), wants.is_symlink()))

    site.host.systemd.on_call = look
    site.work()
    assert seen == [(["it is decommissioned"], False)]
    stopped = [call.split()[-1] for call in site.host.systemd.calls if " stop " in call]
    # The socket first, which would start its service again.
    assert stopped.index(places.AGENT_SOCKET) < stopped.index(places.AGENT_UNIT)
    assert {places.GATEWAY_UNIT, places.RECOVER_UNIT} < set(stopped)
    assert "systemctl daemon-reload" in site.host.systemd.calls


def test_head_ends_before_its_rank_goes(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []

    def wait(*told: Any) -> None:
        seen.append((told[0], told[1]["unit"], told[2], told[3], site.host.serves))

    monkeypatch.setattr(parting, "wait", wait)
    site.work()
    assert seen == [("chat", UNIT, "it is decommissioned", site.plan["drains"]["chat"], "old")]


def test_killed_after_everything_that_it_deletes(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each run comes a thing further than the one before it, and the last one to the end."""
    site.plan["erase"] = ["weights", "audit"]
    kinds, told, runs = dict(removal.HOW), list[str](), 0

    def deleting(kind: str, name: str) -> None:
        if told:
            raise KeyboardInterrupt
        there = kind in ("user", "group") or os.path.lexists(name)
        kinds[kind](name)
        if there:
            told.append(name)

    for kind in kinds:
        monkeypatch.setitem(removal.HOW, kind, functools.partial(deleting, kind))
    while runs < 100:
        runs += 1
        told.clear()
        lock.take(OWNER)
        try:
            site.run()
        except KeyboardInterrupt:
            continue
        break
    assert runs > 20
    assert site.left == ["srv", THEIRS]


def test_job_at_work(site: Site) -> None:
    before = site.left
    site.host.systemd.at_work("metalserve-job-weights-qwen.service")
    with pytest.raises(jobs.JobError) as refused:
        site.work()
    assert str(refused.value) == (
        "the job weights-qwen is at work; nothing was changed; wait for it (journalctl -fu "
        "metalserve-job-weights-qwen.service) and run again"
    )
    assert site.left == before


def test_user_that_is_at_work(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is told; what comes after it goes all the same, and the lock is not given up."""
    monkeypatch.setenv("FAILS", "metalserve-draw")
    with pytest.raises(jobs.JobError) as refused:
        site.work()
    assert str(refused.value) == (
        "what could not be deleted is still there:\n  user metalserve-draw: userdel: busy"
    )
    assert set(TOLD) - set(site.asked()) == {"userdel metalserve-draw"}
    assert not (site.tree / "cache").exists()
    with pytest.raises(OSError, match="user metalserve-draw: userdel: busy"):
        decommission.finish(site.plan | {"run": "r1"})
    assert lock.owner()["run"] == "r1"


def test_without_the_deploy_lock(site: Site) -> None:
    before = site.left
    with pytest.raises(OSError, match="this run has not the deploy lock"):
        decommission.finish(site.plan | {"run": "r2"})
    assert site.left == before


def test_instance_alone(site: Site) -> None:
    site.plan |= {"instance": "draw", "name": "draw"}
    before = site.left
    assert site.work().startswith("draw: ")
    assert sorted(set(before) - set(site.left)) == [
        "cache/draw/one/compiled",
        "opt/instances/draw/note",
        "opt/releases/draw/one/start",
        "state/checks/draw/one.json",
        "state/jobs/activate-draw/plan.json",
        "state/receipts/stage-draw.json",
        "state/secrets/draw/g1/api-key",
        "units/multi-user.target.wants/metalserve-vllm@draw.service",
    ]
    assert site.asked() == ["userdel metalserve-draw"]
    assert site.host.serves == "old"


def test_instance_alone_that_serves(site: Site) -> None:
    site.plan |= {"instance": "chat", "name": "chat"}
    assert site.work().startswith("chat: chat drained and stopped; ")
    assert not site.host.systemd.active(UNIT)
    assert not Path(places.instance("chat")).exists()
    assert Path(places.instance("draw")).exists()


@pytest.mark.parametrize(
    ("part", "gone", "told"),
    [
        (
            "agent",
            [
                "units/metalserve-agent.service",
                "units/metalserve-agent.socket",
                "units/sockets.target.wants/metalserve-agent.socket",
            ],
            ["userdel metalserve_agent"],
        ),
        (
            "gateway",
            ["opt/gateway/current", "units/metalserve-gateway.service"],
            ["apt-mark unhold haproxy"],
        ),
    ],
)
def test_part_alone(site: Site, part: str, gone: list[str], told: list[str]) -> None:
    site.plan |= {"part": part, "name": part}
    before = site.left
    site.work()
    assert sorted(set(before) - set(site.left)) == gone
    assert site.asked() == told
    assert site.host.serves == "old"


def test_what_is_mounted_is_left_alone(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = site.file("opt/cache/uv/wheel")
    monkeypatch.setattr(unneeded, "mounts", lambda: ["/", str(shared.parent)])
    site.run()
    assert [path for path in site.left if path.startswith("opt")] == ["opt/cache/uv/wheel"]
    assert f"{shared.parent}: a file system is mounted there" in remains.stays(site.plan)


def test_folder_that_an_operator_put_elsewhere_is_emptied(site: Site) -> None:
    elsewhere = site.tree / "large"
    shutil.move(places.CACHE, elsewhere)
    Path(places.CACHE).symlink_to(elsewhere)
    site.run()
    assert list(elsewhere.iterdir()) == []
    assert Path(places.CACHE).is_symlink()


def test_kept_weights_belong_to_nobody_that_is_gone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    folder = site.weights / "qwen/0123456789ab"
    file = folder / "model.safetensors"
    os.chown(file, 0, 6000)
    os.chown(folder, 5002, 5002)
    site.run()
    assert [(one.stat().st_uid, one.stat().st_gid) for one in (folder, file)] == [(0, 0)] * 2


def test_driver_keeps_its_settings(site: Site) -> None:
    for name in ("PREFERENCESnvidia-driver", "NOUVEAU_OFF"):
        site.file(name)
    site.run()
    assert remains.stays(site.plan)[-2:] == [
        f"{places.PREFERENCES}nvidia-driver: goes with the driver",
        f"{places.NOUVEAU_OFF}: goes with the driver",
    ]
    assert {"PREFERENCESnvidia-driver", "NOUVEAU_OFF"} < set(site.left)


def test_list_and_finish(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def told(verb: str, **more: str) -> str:
        words = ["decommission.py", verb, json.dumps(site.plan | more)]
        monkeypatch.setattr(sys, "argv", words)
        decommission.main()
        return capsys.readouterr().out

    before = site.left
    found = json.loads(told("list"))
    assert found["things"][0] == ["hold", "haproxy"]
    assert ["user", "metalserve-draw"] in found["things"]
    assert (found["stays"][0], found["fault"]) == (f"{site.weights}: weights", None)
    assert site.left == before
    site.work()
    assert told("finish", run="r1").splitlines() == [
        "nothing of ours is left, but for what stays:",
        f"{site.weights}: weights",
        f"{places.AUDIT}: who changed what",
    ]
    with pytest.raises(SystemExit, match="this host is not decommissioned: this run has not the"):
        told("finish", run="r1")


def test_list_that_cannot_be_had(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> list[str]:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(unneeded, "mounts", broken)
    monkeypatch.setattr(sys, "argv", ["decommission.py", "list", json.dumps(site.plan)])
    decommission.main()
    found = json.loads(capsys.readouterr().out)
    assert found == {"things": [], "stays": [], "fault": "[Errno 5] Input/output error"}
