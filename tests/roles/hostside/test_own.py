"""A model becomes one user's own; what is large stays everybody's, and MindIE's rules hold."""

import grp
import os
import pwd
from pathlib import Path
from typing import Any

import apart
import jobs
import own
import places
import progress
import pytest
import receipts

from tests.standins.ascend import mindie_reads

LARGE, SMALL = "part0-of-1/model.safetensors", "config.json"
# Of every Linux: whoever they are, they own nothing of the test's.
USER, GROUP, OTHER = "nobody", "daemon", "games"

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


class Site:
    """A model as pinned, and the plan to give it to a user."""

    def __init__(self, tree: Path) -> None:
        # Whoever is to read below it has to come there.
        tree.chmod(0o755)
        self.original, self.folder = tree / "weights/w/abc", tree / "weights/w/abc-def"
        (self.original / "part0-of-1").mkdir(parents=True)
        (self.original / LARGE).write_bytes(bytes(64))
        for name in (SMALL, "generation_config.json", "part0-of-1/quant_model_description.json"):
            (self.original / name).write_text("{}")
        self.say = progress.Progress(str(tree))
        self.files = [
            str(path.relative_to(self.original))
            for path in sorted(self.original.rglob("*"))
            if path.is_file()
        ]
        receipts.write("weights-w", "d0", [f"{self.original}/{path}" for path in self.files])
        self.plan: dict[str, Any] = {
            "name": "qwen3-vl-8b", "phase": "own-w", "digest": "d1", "files": self.files,
            "original": str(self.original), "folder": str(self.folder), "user": USER,
            "group": GROUP,
        }  # fmt: skip

    def run(self) -> str:
        """Give it once more."""
        return own.lay_out(self.plan, self.say)

    def read(self, folder: Path, user: str = USER, group: str = GROUP) -> list[str]:
        """Read a folder as MindIE does that runs as a user with a first group."""

        def read() -> list[str]:
            os.setgroups([])
            os.setgid(grp.getgrnam(group).gr_gid)
            os.setuid(pwd.getpwnam(user).pw_uid)
            return list(mindie_reads.refusals(folder)) or ["read"]

        return list(apart.answer(read, within_s=10))


@pytest.fixture
def site(tree: Path) -> Site:
    """A model to give."""
    return Site(tree)


def _seen(path: Path) -> tuple[str, str, int]:
    found = path.stat()
    owner, group = pwd.getpwuid(found.st_uid).pw_name, grp.getgrgid(found.st_gid).gr_name
    return owner, group, found.st_mode & 0o777


def test_whose_it_is(site: Site) -> None:
    assert site.run() == "qwen3-vl-8b: 4 files for nobody"
    assert _seen(site.folder) == _seen(site.folder / "part0-of-1") == (USER, GROUP, 0o750)
    assert _seen(site.folder / SMALL) == (USER, GROUP, 0o640)
    # What is large is nobody's own: one file, root's, under both names.
    assert _seen(site.folder / LARGE) == ("root", GROUP, 0o644)
    same = [(folder / LARGE).stat().st_ino for folder in (site.original, site.folder)]
    assert same[0] == same[1]
    assert _seen(site.original / SMALL)[0] == "root"
    assert receipts.read_all() == {
        "weights-w": {"digest": "d0", "drift": []}, "own-w": {"digest": "d1", "drift": []},
    }  # fmt: skip


def test_read_as_mindie_does(site: Site) -> None:
    refused = site.read(site.original)
    user = pwd.getpwnam(USER).pw_uid
    mismatch = f"path owner uid mismatch: path={site.original}, current_uid={user}, path_uid=0"
    assert refused[0] == mismatch
    assert any(LARGE in line and "does not have permission" in line for line in refused)
    site.run()
    assert site.read(site.folder) == ["read"]
    # Another user reads what is pinned as before, and not what is not its own.
    assert (site.original / LARGE).stat().st_mode & 0o777 == 0o644
    assert site.read(site.folder, user=OTHER)[0].startswith("path owner uid mismatch")
    # In its own group alone the large files would be a stranger's.
    assert [line.split("path:")[1] for line in site.read(site.folder, group=OTHER)] == [
        f"{site.folder}/{LARGE}."
    ]


@pytest.mark.parametrize(
    ("path", "mode", "told"),
    [
        (".", 0o755, "Path permission exceeds maximum allowed: {}, actual=0755, limit=0750"),
        (SMALL, 0o644, "Path permission exceeds maximum allowed: {}, actual=0644, limit=0640"),
        (LARGE, 0o646, "The file {} should not be writable by others"),
    ],
)
def test_what_mindie_refuses_has_drifted(site: Site, path: str, mode: int, told: str) -> None:
    site.run()
    target = site.folder / path
    target.chmod(mode)
    assert site.read(site.folder) == [told.format(target)]
    assert receipts.read_all()["own-w"]["drift"] == [f"{target} has another mode"]
    site.run()
    assert site.read(site.folder) == ["read"]


def test_two_users_share_what_is_large(site: Site) -> None:
    site.run()
    site.plan |= {"folder": f"{site.folder}2", "user": OTHER, "phase": "own-w2"}
    site.run()
    assert site.read(site.folder) == site.read(Path(f"{site.folder}2"), user=OTHER) == ["read"]
    assert (site.original / LARGE).stat().st_nlink == 3
    assert receipts.read_all()["own-w"]["drift"] == []


def test_files_that_a_receipt_knows(site: Site) -> None:
    del site.plan["files"]
    site.plan["kept"] = "compress-w"
    with pytest.raises(jobs.JobError) as caught:
        site.run()
    assert str(caught.value) == (
        f"what is in {site.original} is not known, the receipt compress-w is gone; run "
        "deploy/stage.py again"
    )
    files = [{"path": path, "size": 1, "sha256": "0"} for path in site.files]
    receipts.write("compress-w", "d0", [], files)
    assert site.run() == "qwen3-vl-8b: 4 files for nobody"


@pytest.mark.parametrize(("key", "name"), [("user", "metalserve-none"), ("group", "metalnone")])
def test_nobody_to_give_it_to(site: Site, key: str, name: str) -> None:
    site.plan[key] = name
    with pytest.raises(jobs.JobError, match=rf"{name}.*; deploy/prepare\.py adds them"):
        site.run()
    assert not site.folder.exists()
    assert not Path(places.receipts(), "own-w.json").exists()


def test_what_was_left_of_a_cut_does_not_stay(site: Site) -> None:
    beside = site.folder.with_name("abc-def.new")
    beside.mkdir()
    (beside / "half").touch()
    site.run()
    assert sorted(path.name for path in site.folder.iterdir()) == [
        "config.json", "generation_config.json", "part0-of-1",
    ]  # fmt: skip
