"""Files of a depot arrive whole, from the byte that is missing, and from nobody else."""

import collections
import json
import os
import time
from pathlib import Path
from typing import Any

import fetch
import jobs
import patience
import progress
import pytest
import receipts
import sources

from tests.roles.hostside.models import listed, model
from tests.standins.rsync import Depot

HOST_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOF0aGVkZXBvdA"
KEY = "-----BEGIN OPENSSH PRIVATE KEY-----\nkX82LmWq04TzRbYv\n-----END OPENSSH PRIVATE KEY-----\n"
FILES = model(700_000, 900_000, 300_000)
SHARD = "model-00002-of-00003.safetensors"
WHERE = f"models@depot.example:/srv/private/{SHARD}"


class Site:
    """A depot with one model, and what fetches it."""

    def __init__(self, tree: Path) -> None:
        self.depot = Depot(
            tree, login="models@depot.example:2222", host_key=HOST_KEY, key=KEY
        )  # fmt: skip
        self.there = self.depot.files / "srv/private"
        self.there.mkdir(parents=True)
        for path, content in FILES.items():
            (self.there / path).write_bytes(content)
        self.folder, self.job = tree / "weights" / "w" / "abc", tree / "job"
        self.job.mkdir()
        self.shown = {"0": {"key": KEY}}
        self.plan: dict[str, Any] = {
            "name": "private",
            "phase": "weights-private",
            "digest": "d1",
            "folder": str(self.folder),
            "sources": [
                {
                    "name": "the depot", "host": "depot.example", "port": "2222", "user": "models",
                    "path": "/srv/private", "host_key": HOST_KEY,
                }
            ],
            "files": listed(FILES),
            "limit_mib_s": None,
            "proxy": None,
        }  # fmt: skip

    def run(self) -> str:
        """Fetch."""
        return fetch.Fetch(self.plan, progress.Progress(str(self.job)), self.shown).run()

    def refused(self) -> str:
        """Fetch one file, which must fail; return what is said."""
        self.plan["files"] = [file for file in self.plan["files"] if file["path"] == SHARD]
        with pytest.raises(fetch.FetchError) as error:
            self.run()
        assert receipts.read_all() == {}
        return str(error.value)

    def partial(self, content: bytes) -> None:
        """Leave what a try before left of a shard."""
        self.folder.mkdir(parents=True)
        (self.folder / f"{SHARD}.partial").write_bytes(content)

    @property
    def named(self) -> dict[str, bytes]:
        """What has its name."""
        found = (path for path in self.folder.iterdir() if path.suffix != ".partial")
        return {path.name: path.read_bytes() for path in found}


@pytest.fixture
def site(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A depot that gives what it is asked for."""
    monkeypatch.setattr(patience, "_PAUSE_S", 0.001)
    made = Site(tree)
    made.depot.put_on_path(monkeypatch)
    return made


def test_files_are_brought(site: Site) -> None:
    assert site.run().startswith("private: 7 of 7 files (2 MiB) brought and verified in ")
    assert site.named == FILES
    assert len(site.depot.asked) == len(FILES)


def test_key_is_in_memory_alone(site: Site) -> None:
    site.run()
    said = json.dumps([site.depot.asked, site.plan])
    assert "kX82LmWq04TzRbYv" not in said
    assert f"IdentityFile=/proc/{os.getpid()}/fd/" in said
    held = [path for path in site.folder.parents[2].rglob("*") if path.is_file()]
    told = site.depot._file
    assert [path for path in held if path != told and b"kX82LmWq" in path.read_bytes()] == []


@pytest.mark.parametrize("there", [1, 500_000, len(FILES[SHARD]) - 1, len(FILES[SHARD])])
def test_partial_file_is_continued_at_its_byte(site: Site, there: int) -> None:
    """The depot's bytes before it are other ones, and nobody notices: they are not sent."""
    site.partial(FILES[SHARD][:there])
    (site.there / SHARD).write_bytes(bytes(there) + FILES[SHARD][there:])
    site.run()
    assert site.named == FILES


def test_wrong_partial_file_is_thrown_away(site: Site) -> None:
    site.partial(b"x" * 1000)
    site.run()
    assert site.named == FILES


def test_connection_cut_a_dozen_times(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    # One at a time, as the stand-in counts the cuts.
    site.plan["limit_mib_s"] = 10_000
    site.depot.tell(cuts=[100 + 7000 * number for number in range(12)])
    site.run()
    assert site.named == FILES
    assert "bringing from the depot: Connection to depot closed by remote host., waiting" in (
        capsys.readouterr().out
    )


def test_cut_for_too_long(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PATIENCE_WITH_THE_LAST_S", 0.0)
    site.depot.tell(login="models@depot.example:22")
    assert (
        "the depot: ssh: connect to host depot.example port 2222: Connection refused, for 0 s"
        in (site.refused())
    )
    assert site.named == {}


def test_bound_is_for_one_at_a_time(site: Site) -> None:
    site.plan["limit_mib_s"] = 3
    site.depot.tell(slow_s=0.01)
    site.run()
    assert {word for words in site.depot.asked for word in words if "bwlimit" in word} == {
        "--bwlimit=3072"
    }
    assert site.named == FILES


def test_other_host_key(site: Site) -> None:
    site.depot.tell(host_key=HOST_KEY.replace("AAAAI", "AAAAJ"))
    assert "the depot: shows another host key than the pinned one: if the depot was" in (
        site.refused()
    )
    assert site.named == {}


@pytest.mark.parametrize("key", [KEY.replace("kX", "Xk"), None])
def test_key_that_lets_nobody_in(site: Site, key: str | None) -> None:
    site.shown = {"0": {"key": key}} if key else {}
    assert (
        "the depot: does not let models in (Permission denied (publickey,keyboard-interactive).): "
        "the public half of the source's key belongs into that user's authorized_keys there"
    ) in site.refused()


@pytest.mark.parametrize(
    ("code", "said", "told"),
    [
        (12, "sh: 1: rsync: not found", "has no rsync (rsync: not found): install it there"),
        (
            127,
            "bash: line 1: rsync: command not found",
            "has no rsync (rsync: command not found): install it there",
        ),
        (
            255,
            'Load key "/proc/7/fd/4": error in libcrypto\nx: Permission denied (publickey).',
            'has a key that ssh here cannot read (Load key "/proc/7/fd/4": error in libcrypto)',
        ),
        (
            2,
            "protocol version mismatch -- is your shell clean?",
            "greets whoever comes in, which rsync cannot read: silence its login shell",
        ),
        (4, "rsync: --append not supported", "rsync: --append not supported"),
    ],
)
def test_depot_that_refuses(site: Site, code: int, said: str, told: str) -> None:
    site.depot.tell(login_says=[code, said])
    assert site.refused().endswith(f"the depot: {told}")


def test_file_is_not_there(site: Site) -> None:
    (site.there / SHARD).unlink()
    assert site.refused() == f"{SHARD} came from no source\nthe depot: {WHERE} is not there"
    assert site.named == {}


def test_file_that_the_user_may_not_read(site: Site) -> None:
    site.depot.tell(closed=[f"/srv/private/{SHARD}"])
    assert f"the depot: {WHERE} cannot be read there by models" in site.refused()


@pytest.mark.parametrize("change", [-1, 1])
def test_file_of_another_size_is_not_sent(site: Site, change: int) -> None:
    size = len(FILES[SHARD])
    (site.there / SHARD).write_bytes(bytes(size + change))
    assert site.refused() == (
        f"{SHARD} came from no source\nthe depot: {WHERE} has {size + change} bytes, the manifest "
        f"says {size}; the source is another revision or incomplete"
    )
    assert not (site.folder / f"{SHARD}.partial").exists()
    assert site.named == {}


def test_folder_instead_of_a_file(site: Site) -> None:
    (site.there / SHARD).unlink()
    (site.there / SHARD).mkdir()
    assert f"the depot: {WHERE} is no plain file" in site.refused()


def test_damaged_file(site: Site) -> None:
    (site.there / SHARD).write_bytes(b"x" + FILES[SHARD][1:])
    assert f"{WHERE} has sha256 " in site.refused()
    assert site.named == {}


def test_next_source_continues_what_it_began(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PATIENCE_S", 0.0)
    # The shard is asked for first, so that it is what is cut.
    monkeypatch.setattr(fetch, "_AT_ONCE", 1)
    site.plan["files"].sort(key=lambda file: file["path"] != SHARD)
    site.depot.tell(cuts=[5000])
    mount = site.folder.parents[2] / "mount"
    mount.mkdir()
    for path, content in FILES.items():
        (mount / path).write_bytes(content)
    (mount / SHARD).write_bytes(bytes(5000) + FILES[SHARD][5000:])
    site.plan["sources"].append({"name": "the mount", "folder": str(mount)})
    assert "not from the depot: Connection to depot closed by remote host., for 0 s" in site.run()
    assert site.named == FILES


def test_full_disk_ends_the_fetch(site: Site) -> None:
    said = '[receiver] write failed on "/x": No space left on device (28)'
    site.depot.tell(write_says=[11, said])
    began = time.monotonic()
    with pytest.raises(jobs.JobError, match="No space left on device"):
        site.run()
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("missing", ["rsync", "ssh"])
def test_program_that_is_not_installed(
    site: Site, missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = site.folder.parents[2] / "bin"
    folder.mkdir()
    (folder / ("ssh" if missing == "rsync" else "rsync")).symlink_to("/bin/true")
    monkeypatch.setenv("PATH", str(folder))
    assert f"the depot: {missing} is not installed on this host" in site.refused()


def test_fetch_that_is_stopped_leaves_no_rsync(site: Site) -> None:
    """Another file fails in the middle: what is on its way ends, and writes no more."""
    site.depot.tell(slow_s=0.05)
    asked = fetch.Fetch(site.plan, progress.Progress(str(site.job)), site.shown)
    (file,) = [file for file in site.plan["files"] if file["path"] == SHARD]
    site.partial(b"")
    blocks = asked.sources[0].blocks(file, 0)
    next(blocks)
    asked.stop.set()
    with pytest.raises(sources.UnusableError, match="the fetch was stopped"):
        collections.deque(blocks, maxlen=0)
    size = (site.folder / f"{SHARD}.partial").stat().st_size
    assert 0 < size < len(FILES[SHARD])
    time.sleep(0.2)
    assert (site.folder / f"{SHARD}.partial").stat().st_size == size
