"""Every file is read again, each that is wrong is named, and its folder has to be mended."""

import hashlib
import os
from pathlib import Path
from typing import Any

import jobs
import places
import progress
import pytest
import receipts
import verify

from tests.roles.hostside.models import pinned
from tests.standins.systemctl.systemd import Systemd

LARGE = bytes(range(256)) * 12_345


class Site:
    """A model as pinned and a patched view of it."""

    def __init__(self, tree: Path) -> None:
        self.pinned, self.view = tree / "w/qwen/abc", tree / "w/qwen/abc-def"
        for folder in (self.pinned, self.view):
            (folder / "below").mkdir(parents=True)
        (self.pinned / "config.json").write_bytes(b"{}")
        (self.view / "config.json").write_bytes(b"{1}")
        (self.pinned / "below/model").write_bytes(LARGE)
        os.link(self.pinned / "below/model", self.view / "below/model")
        model = pinned("below/model", LARGE)
        self.plan = {
            "name": "the weights",
            "folders": [
                self.folder(self.pinned, "weights-q", [pinned("config.json", b"{}"), model]),
                self.folder(self.view, "patch-q", [pinned("config.json", b"{1}"), model]),
            ],
        }
        self.say = progress.Progress(str(tree))

    def folder(self, folder: Path, phase: str, files: list[dict[str, Any]]) -> dict[str, Any]:
        """Leave the receipt of a folder and return its part of the plan."""
        receipts.write(phase, "d", [f"{folder}/{file['path']}" for file in files])
        return {"name": "qwen", "folder": str(folder), "phase": phase, "files": files}

    def run(self) -> str:
        """Verify everything."""
        return verify.Verify(self.plan, self.say).run()

    def wrong(self) -> list[str]:
        """Verify and return what is told of each wrong file."""
        with pytest.raises(jobs.JobError) as caught:
            self.run()
        first, *lines, _ = str(caught.value).splitlines()
        assert first == (
            "1 file is wrong:" if len(lines) == 1 else f"{len(lines)} files are wrong:"
        )
        return lines


@pytest.fixture
def site(tree: Path, systemd: Systemd) -> Site:
    """Weights that are right."""
    return Site(tree)


def _kept() -> list[str]:
    return sorted(path.stem for path in Path(places.receipts()).iterdir())


def test_right(site: Site) -> None:
    said = site.run()
    assert said.startswith("4 files in 2 folders are as pinned: 3 MiB hashed in ")
    assert said.endswith("/s")
    assert _kept() == ["patch-q", "weights-q"]


def test_file_of_two_names_is_read_once(site: Site) -> None:
    run = verify.Verify(site.plan, site.say)
    run.run()
    assert run.done == run.total == len(LARGE) + len("{}") + len("{1}")


def test_flipped_byte_that_nothing_else_tells(site: Site) -> None:
    path = site.pinned / "below/model"
    before = path.stat()
    with path.open("r+b") as file:
        file.seek(2_000_000)
        file.write(b"\xff\x00")
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert [seen["drift"] for seen in receipts.read_all().values()] == [[], []]
    wanted = hashlib.sha256(LARGE).hexdigest()
    found = hashlib.sha256(path.read_bytes()).hexdigest()
    assert site.wrong() == [
        f"{folder}/below/model: found sha256 {found}, wanted {wanted}"
        for folder in (site.pinned, site.view)
    ]
    # Both share the file, so both have to be made anew.
    assert _kept() == []


def test_only_the_wrong_folder_has_to_be_mended(site: Site) -> None:
    (site.view / "config.json").write_bytes(b"{2}")
    (line,) = site.wrong()
    assert line.startswith(f"{site.view}/config.json: found sha256 ")
    assert _kept() == ["weights-q"]


def test_missing_short_and_unreadable(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    (site.pinned / "config.json").unlink()
    (site.view / "config.json").write_bytes(b"{")

    def refuse(path: str, tell: object) -> str:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(verify, "sha256", refuse)
    wanted = {file["path"]: file for file in site.plan["folders"][0]["files"]}  # type: ignore[index]
    sha = wanted["below/model"]["sha256"]
    unreadable = f"cannot be read (Input/output error), wanted sha256 {sha}; remove it"
    assert site.wrong() == [
        f"{site.pinned}/config.json: found nothing (No such file or directory), wanted sha256 "
        f"{wanted['config.json']['sha256']}",
        f"{site.pinned}/below/model: {unreadable}",
        f"{site.view}/config.json: found 1 bytes, wanted 3",
        f"{site.view}/below/model: {unreadable}",
    ]


def test_what_is_on_its_way_is_not_judged(site: Site, systemd: Systemd) -> None:
    systemd.at_work("metalserve-job-weights-q.service")
    with pytest.raises(jobs.JobError) as caught:
        site.run()
    assert str(caught.value) == (
        f"metalserve-job-weights-q.service is at work on {site.pinned}; run again when it has ended"
    )
    assert _kept() == ["patch-q", "weights-q"]


def test_says_what_to_do(site: Site) -> None:
    (site.view / "config.json").unlink()
    with pytest.raises(jobs.JobError, match=r"deploy/stage\.py brings what is wrong again"):
        site.run()


def test_rate_and_time_left(site: Site) -> None:
    told = progress.Progress(site.say.path.rsplit("/", 1)[0])
    told.say("hashing", 0, 100)
    site.run()
    assert progress.line(told.path) == "hashing: 3 MiB of 3 MiB"


def test_blocks_of_any_size(tmp_path: Path) -> None:
    for size in (0, 1, verify._BLOCK, verify._BLOCK + 1):
        path, counted = tmp_path / str(size), [0]
        path.write_bytes(LARGE[:size])
        wanted = hashlib.sha256(LARGE[:size]).hexdigest()
        assert verify.sha256(str(path), lambda n, c=counted: c.append(n)) == wanted
        assert sum(counted) == min(size, len(LARGE))


def test_stands_back() -> None:
    child = os.fork()
    if not child:
        verify.stand_back()
        os._exit(os.getpriority(os.PRIO_PROCESS, 0))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 19
