"""What nothing needs goes; what serves, served, is wanted, is open or lies elsewhere stays."""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import durable
import lock
import places
import prune
import pytest
import receipts
import transaction
import unneeded

from tests.standins.systemctl.systemd import Systemd

A, B, C = "a" * 12, "b" * 12, "c" * 12


class Site:
    """A host with a serving release, one before it, and much besides."""

    def __init__(self, tree: Path) -> None:
        self.tree = tree
        self.opt, self.state, self.weights = tree / "opt", tree / "state", tree / "weights"
        self.plan: dict[str, Any] = {
            "keep": [],
            "spared": {},
            "weights_root": str(self.weights),
            "who": "me@desk",
            "run": "r1",
        }
        self.folder(self.opt / f"hostside-{A}")
        (self.opt / "hostside").symlink_to(f"hostside-{A}")
        (self.opt / "instances/chat").mkdir(parents=True)
        for name, link in (("one", "previous"), ("two", "current")):
            release = self.release(name)
            (self.opt / "instances/chat" / link).symlink_to(release)
        generation = self.folder(self.state / f"secrets/chat/{A}")
        (self.opt / "instances/chat/secrets").symlink_to(generation)
        wanted = {"run": "r1", "who": "me", "machine": "m", "pid": 1, "started": 1, "break": None}
        lock.take(wanted)

    def folder(self, path: Path, size: int = 4096) -> Path:
        """Make a folder with a file in it."""
        path.mkdir(parents=True)
        (path / "file").write_bytes(b"x" * size)
        return path

    def release(self, name: str) -> Path:
        """Lay out a release with a stack and weights of its own name."""
        release = self.folder(self.opt / f"releases/chat/{name}-{A}")
        stack = self.folder(self.opt / f"stacks/{name}-{A}")
        (release / "stack").symlink_to(stack)
        (release / "weights").symlink_to(self.folder(self.weights / name / A))
        return release

    @property
    def goes(self) -> list[str]:
        """What may go, below the tree."""
        found = unneeded.find(self.plan).items
        return sorted(os.path.relpath(item.path, self.tree) for item, _ in found)

    @property
    def left(self) -> dict[str, str]:
        """What is left alone, and why."""
        found = unneeded.find(self.plan).left
        return {os.path.relpath(path, self.tree): why for path, why in found}

    def everything(self) -> set[str]:
        """Return every path in the tree, links not followed."""
        return {
            f"{folder}/{name}"
            for folder, below, files in os.walk(self.tree)
            for name in (*below, *files)
        }


@pytest.fixture
def site(tree: Path, systemd: Systemd) -> Site:
    """A host on which everything is needed."""
    return Site(tree)


def test_everything_is_needed(site: Site) -> None:
    before = site.everything()
    assert (site.goes, site.left) == ([], {})
    assert prune.delete(site.plan)
    assert site.everything() - {f"{site.tree}/log", places.AUDIT} == before


def test_one_of_each_goes(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.release("old")
    unneeded_things = [
        f"opt/hostside-{B}",
        f"opt/hostside-{B}.new",
        f"state/secrets/chat/{B}",
        f"weights/two/{A}-{B}",
        f"weights/two/{B}.gone",
        f"weights/.incoming/{B}",
        f"cache/chat/old-{A}",
    ]
    for one in unneeded_things:
        site.folder(site.tree / one)
    files = [f"opt/cache/installers/{B}-driver.run", f"state/checks/chat/old-{A}.json"]
    for file in files:
        (site.tree / file).parent.mkdir(parents=True)
        (site.tree / file).write_text("x")
    release = [f"opt/releases/chat/old-{A}", f"opt/stacks/old-{A}", f"weights/old/{A}"]
    assert site.goes == sorted([*unneeded_things, *files, *release])
    before = site.everything()
    assert prune.delete(site.plan)
    assert "12 deleted, " in capsys.readouterr().out
    gone = before - site.everything()
    assert {path for path in gone if str(Path(path).parent) not in gone} == {
        f"{site.tree}/{path}" for path in [*unneeded_things, *files, *release]
    }
    assert site.goes == []
    said = Path(places.AUDIT).read_text().splitlines()
    assert json.loads(said[0])["what"].startswith("prune ")
    assert len(said) == 12


def test_list_changes_nothing(site: Site) -> None:
    site.release("old")
    before = site.everything()
    listed = prune.listed(site.plan)
    assert (listed["count"], listed["fault"]) == (3, None)
    assert [line.split()[0] for line in listed["lines"]] == ["release", "stack", "weights", "in"]
    assert site.everything() == before


@pytest.mark.parametrize(
    "path", [f"releases/chat/old-{A}", f"stacks/old-{A}", f"../weights/old/{A}"]
)
def test_what_the_spec_wants_stays(site: Site, path: str) -> None:
    site.release("old")
    site.plan["keep"] = [f"{site.opt}/{path}"]
    relative = os.path.relpath(site.plan["keep"][0], site.tree)
    assert relative not in site.goes
    # A release that is wanted is wanted with its stack and its weights.
    assert (site.goes == []) is ("releases" in path)


def test_release_reached_through_a_chain_of_links(site: Site) -> None:
    site.release("old")
    (site.opt / "alias").symlink_to(f"releases/chat/old-{A}")
    current = site.opt / "instances/chat/current"
    current.unlink()
    current.symlink_to("../../alias")
    assert site.goes == [f"opt/releases/chat/two-{A}", f"opt/stacks/two-{A}", f"weights/two/{A}"]


def test_what_a_rollback_goes_to_stays(site: Site) -> None:
    """Another than ``previous``, when that one is marked bad; what is older still goes."""
    before, older = site.release("before"), site.release("older")
    for release in (before, older):
        durable.write_json(f"{release}/release.json", {"port": 8000})
        (release / "start").write_text("#!/bin/sh")
        (release / "stack/complete.json").write_text("{}")
        durable.write_json(f"{places.checks('chat')}/{release.name}.json", [])
    listed = [{"release": one.name, "first": None, "since": None} for one in (before, older)]
    durable.write_json(places.history("chat"), listed)
    assert site.goes == [
        *(f"{kind}/older-{A}" for kind in ("opt/releases/chat", "opt/stacks")),
        f"state/checks/chat/older-{A}.json",
        f"weights/older/{A}",
    ]


def test_instances_that_no_spec_wants_keep_theirs(site: Site) -> None:
    release = site.release("other")
    (site.opt / "instances/by-hand").mkdir()
    (site.opt / "instances/by-hand/current").symlink_to(release)
    assert site.goes == []


def test_view_keeps_what_it_was_made_of(site: Site) -> None:
    site.folder(site.weights / "qwen" / B)
    site.plan["keep"] = [str(site.folder(site.weights / "qwen" / f"{B}-{C}"))]
    site.folder(site.weights / "qwen" / f"{B}-{A}")
    assert site.goes == [f"weights/qwen/{B}-{A}"]


def test_what_an_interrupted_activation_goes_back_to_stays(site: Site) -> None:
    release = site.release("old")
    begun = transaction.Transaction.begin(
        {"instance": "draw", "release": f"two-{A}", "secrets": None, "who": "me"}
        | _about(site, "draw")
    )
    begun.record["before"]["links"]["x"] = str(release)
    begun.step("swap")
    assert [path for path in site.goes if "old" in path] == []
    begun.end("rolled back")
    assert len([path for path in site.goes if "old" in path]) == 3


def _about(site: Site, instance: str) -> dict[str, Any]:
    folder = site.opt / f"releases/{instance}/two-{A}"
    folder.mkdir(parents=True)
    durable.write_json(f"{folder}/release.json", {"unit": f"metalserve-vllm@{instance}.service"})
    return {}


@pytest.mark.parametrize(
    ("job", "kinds"),
    [
        ("activate-chat", set()),
        ("something-new", set()),
        ("install-x", {"release", "weights"}),
        ("weights-q-1", {"release", "stack"}),
        ("patch-q-1", {"release", "stack"}),
        ("compress-q-1", {"release", "stack"}),
        ("own-q-1", {"release", "stack"}),
        ("platform", {"release", "stack", "weights"}),
    ],
)
def test_jobs_at_work(site: Site, systemd: Systemd, job: str, kinds: set[str]) -> None:
    site.release("old")
    site.folder(site.opt / f"hostside-{B}")
    systemd.at_work(f"metalserve-job-{job}.service")
    assert {item.kind for item, _ in unneeded.find(site.plan).items} == kinds
    assert site.left[f"opt/hostside-{B}"] == f"the job {job} is at work"


def test_archive_of_a_stack_that_is_being_installed(site: Site, systemd: Systemd) -> None:
    site.folder(site.opt / f"cache/installers/{A}-ollama-linux-amd64.tgz")
    assert [item.kind for item, _ in unneeded.find(site.plan).items] == ["installer"]
    systemd.at_work("metalserve-job-install-x.service")
    assert unneeded.find(site.plan).items == []


def test_what_a_process_has_open_stays(site: Site) -> None:
    site.release("old")
    file = site.weights / "old" / A / "file"
    with file.open("rb") as opened, subprocess.Popen(["sleep", "60"], stdin=opened) as using:
        left = site.left
        using.kill()
    assert left == {f"weights/old/{A}": f"process {using.pid} uses {file}"}


def test_hostile_links(site: Site) -> None:
    """Nothing outside is touched, whichever way a link leads there."""
    outside = site.folder(site.tree / f"outside/{B}")
    site.folder(site.tree / f"outside/deep/{B}")
    (site.opt / f"stacks/link-{B}").symlink_to(outside)
    (site.opt / f"hostside-{C}").symlink_to(outside)
    (site.weights / "linked").symlink_to(outside.parent)
    (site.opt / "releases/evil").symlink_to(outside.parent / "deep")
    (outside.parent / f"deep/rel-{B}").mkdir()
    (site.state / "checks").symlink_to(outside.parent)
    (outside.parent / "deep/x.json").write_text("kept")
    (site.opt / "cache").symlink_to(outside.parent)
    old = site.release("old")
    (old / "up").symlink_to("/")
    (old / "across").symlink_to(outside)
    before = {path for path in site.everything() if path.startswith(str(outside.parent))}
    assert prune.delete(site.plan)
    assert not old.exists()
    after = {path for path in site.everything() if path.startswith(str(outside.parent))}
    assert after == before
    assert site.left == {
        f"opt/stacks/link-{B}": "is a link, which we never made",
        f"opt/hostside-{C}": "is a link, which we never made",
        f"weights/linked/{B}": f"lies behind the link {site.weights}/linked",
        f"opt/releases/evil/rel-{B}": f"lies behind the link {site.opt}/releases/evil",
        "state/checks/deep/x.json": f"lies behind the link {site.state}/checks",
    }


def test_root_of_weights_may_be_a_link(site: Site) -> None:
    """The spec names it."""
    disk = site.tree / "disk"
    site.folder(disk / "qwen" / B)
    link = site.tree / "srv"
    link.symlink_to(disk)
    site.plan["weights_root"] = str(link)
    assert site.goes == [f"srv/qwen/{B}"]
    assert prune.delete(site.plan)
    assert list((disk / "qwen").iterdir()) == []


def test_names_that_are_not_ours(site: Site) -> None:
    site.plan["weights_root"] = str(site.tree / "shared")
    for name in ("postgres/main", f"home/{A}x", "README", f"a/b/{A}"):
        site.folder(site.tree / "shared" / name)
    site.folder(site.opt / "stacks/mine")
    site.folder(site.opt / "hostside-mine")
    assert [path for path in site.goes if not path.startswith("opt/stacks")] == []
    assert site.left == {}


def test_mount_below(site: Site) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can mount")
    precious = site.folder(site.tree / "precious")
    old = site.folder(site.weights / "old" / A)
    (old / "mnt").mkdir()
    words = ["mount", "--bind", str(precious), str(old / "mnt")]
    if subprocess.run(words, stderr=subprocess.DEVNULL).returncode:
        pytest.skip("no mounts here")
    try:
        assert site.left == {f"weights/old/{A}": f"has a file system mounted at {old}/mnt"}
        assert prune.delete(site.plan)
        assert (precious / "file").exists()
    finally:
        subprocess.run(["umount", str(old / "mnt")], check=True)


def test_scripts_stay_without_the_link(site: Site) -> None:
    site.folder(site.opt / f"hostside-{B}")
    (site.opt / "hostside").unlink()
    assert site.goes == []


def test_spared(site: Site) -> None:
    site.folder(site.state / f"secrets/chat/{B}")
    site.plan["spared"] = {f"{site.state}/secrets/chat": "not known"}
    assert (site.goes, site.left) == ([], {f"state/secrets/chat/{B}": "not known"})


def test_receipts_go_along(site: Site) -> None:
    old, one = site.folder(site.weights / "old" / A), site.weights / "one" / A
    receipts.write("weights-old", "d", [f"{old}/file"])
    receipts.write("weights-one", "d", [f"{one}/file"])
    receipts.write("stage-chat", "d", [f"{site.opt}/instances/chat/current"])
    receipts.write("stage-draw", "d", [f"{site.opt}/instances/chat/current"])
    site.folder(site.state / f"secrets/chat/{B}")
    assert prune.delete(site.plan)
    # A generation of secrets that was staged and is gone has to be staged again.
    assert sorted(receipts.read_all()) == ["stage-draw", "weights-one"]


def test_bytes_of_files_with_several_names(site: Site) -> None:
    """They are free when the last name goes."""
    mib = 1024 * 1024
    kept = site.weights / "one" / A
    view, old = site.weights / "one" / f"{A}-{B}", site.folder(site.weights / "old" / A, mib)
    view.mkdir()
    (kept / "large").write_bytes(bytes(mib))
    os.link(kept / "large", view / "large")
    other = site.weights / "old" / f"{A}-{B}"
    other.mkdir()
    os.link(kept / "file", view / "file")
    os.link(old / "file", other / "file")
    found = {item.path: count for item, count in unneeded.find(site.plan).items}
    assert found[str(view)] < mib
    assert found[str(old)] >= mib
    assert found[str(other)] < mib


def test_cut_in_the_middle(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    old = site.folder(site.weights / "old" / A)

    def cut(path: str) -> None:
        raise OSError(5, "Input/output error", path)

    with monkeypatch.context() as broken:
        broken.setattr("shutil.rmtree", cut)
        assert not prune.delete(site.plan)
    assert not old.exists()
    assert site.goes == [f"weights/old/{A}.gone"]
    site.folder(old)
    assert prune.delete(site.plan)
    assert list(old.parent.iterdir()) == []


def test_says_what_stays(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = site.folder(site.weights / "old" / A)

    def refuse(*_: object) -> None:
        raise OSError(30, "Read-only file system")

    monkeypatch.setattr("os.rename", refuse)
    assert not prune.delete(site.plan)
    assert capsys.readouterr().out.splitlines() == [
        "0 deleted, 0 B free again",
        f"{old}: [Errno 30] Read-only file system; it stays, nothing needs it",
    ]


def test_without_the_deploy_lock(site: Site) -> None:
    old = site.folder(site.weights / "old" / A)
    site.plan["run"] = "r2"
    with pytest.raises(OSError, match="this run has not the deploy lock"):
        prune.delete(site.plan)
    assert old.exists()


def test_jobs_that_cannot_be_told(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STANDIN_SYSTEMD", "1")
    with pytest.raises(OSError, match="systemctl does not tell the jobs at work"):
        unneeded.find(site.plan)


def test_what_a_swarm_left_goes_with_its_model(site: Site) -> None:
    for name, digest in (("two", A), ("gone", B)):
        folder = site.folder(site.weights / name / f"{digest}.swarm")
        folder.with_suffix(".torrent").write_bytes(b"d8:")
    site.folder(site.weights / "kept" / f"{C}.swarm")
    site.plan["keep"] = [str(site.weights / "kept" / C)]
    assert site.goes == [f"weights/gone/{B}.swarm", f"weights/gone/{B}.torrent"]
