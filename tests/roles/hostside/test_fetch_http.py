"""Files of hubs arrive whole through everything that goes wrong on the way."""

import errno
import hashlib
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import fetch
import pace
import partial
import patience
import progress
import pytest
import ranges
import receipts
import sources

from tests.roles.hostside.models import listed, model
from tests.standins.hub import Hub, Repository

TOKEN = "hf_kX82LmWq04TzRbYv"
REPO = "acme/private"
DATE = "Mon, 05 Jan 2026 10:00:00 GMT"
FILES = model(700_000, 900_000, 300_000)
SHARD = "model-00002-of-00003.safetensors"


class Site:
    """A hub with one private model, and what fetches it."""

    def __init__(self, tree: Path, hub: Hub, commit: str) -> None:
        self.tree, self.hub, self.commit = tree, hub, commit
        self.folder = tree / "weights" / "w" / "abc"
        self.job = tree / "job"
        self.job.mkdir()
        self.headers = {"0": {"Authorization": f"Bearer {TOKEN}"}}
        self.plan: dict[str, Any] = {
            "name": "private",
            "phase": "weights-private",
            "digest": "d1",
            "folder": str(self.folder),
            "sources": [{"name": "the hub", "url": f"{hub.url}/{REPO}/resolve/{commit}/"}],
            "files": listed(FILES),
            "limit_mib_s": None,
            "proxy": None,
        }

    def run(self) -> str:
        """Fetch."""
        say = progress.Progress(str(self.job))
        return fetch.Fetch(self.plan, say, self.headers).run()

    def refused(self) -> str:
        """Fetch, which must fail; return what is said."""
        with pytest.raises(fetch.FetchError) as error:
            self.run()
        assert receipts.read_all() == {}
        return str(error.value)

    def beside(self, *but: str) -> Path:
        """Offer a mount as the second source, with every file but some."""
        mount = self.tree / "mount"
        mount.mkdir()
        for path, content in FILES.items():
            if path not in but:
                (mount / path).write_bytes(content)
        self.plan["sources"].append({"name": "the mount", "folder": str(mount)})
        return mount

    @property
    def named(self) -> dict[str, bytes]:
        """What has its name."""
        return {
            path.name: path.read_bytes()
            for path in self.folder.iterdir()
            if path.suffix != ".partial"
        }


@pytest.fixture
def site(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """A hub that gives what it is asked for."""
    monkeypatch.setattr(patience, "_PAUSE_S", 0.01)
    monkeypatch.setattr(ranges, "CHUNK", 128 * 1024)
    monkeypatch.setattr(ranges, "_BLOCK", 32 * 1024)
    repository = Repository(REPO, tokens=(TOKEN,))
    commit = repository.commit(FILES)
    with Hub(repository) as hub:
        yield Site(tree, hub, commit)


def test_private_repository(site: Site) -> None:
    """The store, which is another origin, never sees the token: the stand-in would refuse it."""
    assert site.run().startswith("private: 7 of 7 files (2 MiB) brought and verified in ")
    assert site.named == FILES
    assert site.hub.mischief.faults == []
    assert dict(site.hub.mischief.sent) == {path: len(c) for path, c in FILES.items()}
    assert site.hub.mischief.ranged[SHARD] == -(-len(FILES[SHARD]) // ranges.CHUNK)


def test_modelscope(site: Site) -> None:
    below = f"{site.hub.url}/api/v1/models/{REPO}/repo?Revision={site.commit}&FilePath="
    site.plan["sources"] = [{"name": "the hub", "url": below}]
    site.headers["0"]["Cookie"] = f"m_session_id={TOKEN}"
    site.run()
    assert site.named == FILES
    assert site.hub.mischief.faults == []


def test_no_token(site: Site) -> None:
    site.headers.clear()
    assert site.refused() == (
        "config.json, model.safetensors.index.json, tokenizer.json and 4 more came from no source\n"
        "the hub: asks for a token (401): give the source one that may read it"
    )
    assert site.named == {}


def test_revoked_token(site: Site) -> None:
    site.headers["0"]["Authorization"] = "Bearer hf_of_yesterday_x"
    assert "the hub: does not know the token (401): it was revoked" in site.refused()


def test_gated_repository(site: Site) -> None:
    site.hub.repositories[REPO].gated = True
    assert "the hub: does not let the token read it (403): a gated" in site.refused()


def test_commit_that_is_gone(site: Site) -> None:
    site.hub.repositories[REPO].commits.clear()
    assert "the hub: has no such repository or commit (RevisionNotFound)" in site.refused()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_connection_dropped_fifty_times(
    site: Site, seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ranges, "CHUNK", 32 * 1024)
    site.hub.mischief.__init__(seed=seed, drops=50)  # type: ignore[misc]
    site.run()
    assert site.hub.mischief.drops == 0
    assert site.named == FILES


def test_truncated_shard(site: Site) -> None:
    site.hub.mischief.instead[SHARD] = FILES[SHARD][:-1]
    size = len(FILES[SHARD])
    assert site.refused() == (
        f"{SHARD} came from no source\n"
        f"the hub: {site.hub.url}/{REPO}/resolve/{site.commit}/{SHARD} has {size - 1} bytes, "
        f"the manifest says {size}; the source is another revision or incomplete"
    )
    assert site.named == {path: c for path, c in FILES.items() if path != SHARD}


def test_continuing_behind_the_end_of_a_truncated_shard(site: Site) -> None:
    site.folder.mkdir(parents=True)
    (site.folder / f"{SHARD}.partial").write_bytes(FILES[SHARD][:5000])
    site.hub.mischief.instead[SHARD] = FILES[SHARD][:4000]
    assert f"{SHARD} has 4000 bytes, the manifest says" in site.refused()


def test_wrong_hash(site: Site) -> None:
    wrong = FILES[SHARD][:-1] + bytes([FILES[SHARD][-1] ^ 1])
    site.hub.mischief.instead[SHARD] = wrong
    said = site.refused()
    assert f"{SHARD} has sha256 {hashlib.sha256(wrong).hexdigest()}, the manifest says" in said
    assert site.named == {path: c for path, c in FILES.items() if path != SHARD}
    assert not (site.folder / f"{SHARD}.partial").exists()
    # What came once is not asked for again.
    assert site.hub.mischief.sent[SHARD] == len(FILES[SHARD])


def test_one_file_is_not_there(site: Site) -> None:
    del site.hub.repositories[REPO].commits[site.commit][SHARD]
    site.beside()
    assert site.run().endswith(f"/{SHARD} is not there (404)")
    assert site.named == FILES
    assert set(site.hub.mischief.sent) == FILES.keys() - {SHARD}


def test_server_errors_pass(site: Site) -> None:
    site.hub.mischief.answers[SHARD] = [(500, {}), (502, {}), (503, {"Retry-After": "0"})]
    site.run()
    assert site.named == FILES


def test_server_errors_that_last(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PATIENCE_S", 0.05)
    site.hub.mischief.answers["config.json"] = [(500, {})] * 100
    site.beside()
    assert "not from the hub: answers 500, for 0 s" in site.run()
    assert site.named == FILES


def test_too_many_requests_are_waited_for(site: Site) -> None:
    site.hub.mischief.answers["config.json"] = [(429, {"Retry-After": "1"})]
    began = time.monotonic()
    site.run()
    assert time.monotonic() - began >= 1
    assert site.named == FILES


def test_next_source_is_asked_rather_than_waiting_long(site: Site) -> None:
    site.hub.mischief.answers["config.json"] = [(429, {"Retry-After": "3600"})]
    site.beside()
    began = time.monotonic()
    assert "not from the hub: answers 429 and wants to be asked again in 60 min" in site.run()
    assert time.monotonic() - began < 600
    assert site.named == FILES


def test_store_that_says_nothing(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ranges, "_SILENT_S", 0.2)
    monkeypatch.setattr(fetch, "_PATIENCE_S", 0.3)
    site.hub.mischief.mute.add(SHARD)
    site.beside()
    assert "not from the hub: timed out, for 0 s" in site.run()
    assert site.named == FILES


def test_slow_mirror(site: Site) -> None:
    site.hub.mischief.bytes_s = 2_000_000
    site.run()
    assert site.named == FILES


def test_hub_that_cannot_be_reached(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch, "_PATIENCE_S", 0.05)
    site.plan["sources"][0]["url"] = "http://127.0.0.1:9/"
    site.beside()
    assert (
        "not from the hub: cannot be reached ([Errno 111] Connection refused), for 0 s"
        in site.run()
    )
    assert site.named == FILES


def test_what_the_hub_began_the_mount_continues(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fetch, "_PATIENCE_S", 0.05)
    site.hub.mischief.drops = 10_000
    mount = site.beside()
    (mount / SHARD).write_bytes(bytes(1) + FILES[SHARD][1:])
    site.folder.mkdir(parents=True)
    (site.folder / f"{SHARD}.partial").write_bytes(FILES[SHARD][:5000])
    site.plan["sources"][0]["url"] = "http://127.0.0.1:9/"
    site.run()
    assert site.named == FILES


def test_server_without_ranges(site: Site) -> None:
    """It sends the whole file each time, and what is there already is passed over."""
    site.hub.mischief.without_ranges = True
    site.folder.mkdir(parents=True)
    (site.folder / f"{SHARD}.partial").write_bytes(FILES[SHARD][:50_000])
    site.run()
    assert site.named == FILES


def test_bound_on_the_rate(site: Site) -> None:
    site.plan["limit_mib_s"] = 4
    began = time.monotonic()
    site.run()
    size = sum(map(len, FILES.values())) / 1024 / 1024
    assert time.monotonic() - began > size / 4 * 0.9


def test_full_disk_ends_every_file_at_once(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.hub.mischief.bytes_s = 200_000
    add = partial.Partial.add

    def full(self: partial.Partial, target: Any, block: bytes) -> None:
        if self.have > 20_000 and self.path.endswith(SHARD):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        add(self, target, block)

    monkeypatch.setattr(partial.Partial, "add", full)
    began = time.monotonic()
    with pytest.raises(OSError, match="No space left on device"):
        site.run()
    assert time.monotonic() - began < 5
    assert SHARD not in site.named


def test_pace_is_shared() -> None:
    bound = pace.Pace(1)
    began = time.monotonic()
    for _ in range(4):
        bound.spend(25_000)
    assert time.monotonic() - began > 0.08


def test_no_bound() -> None:
    pace.Pace(None).spend(2**60)


def test_proxy(site: Site) -> None:
    """The hub takes the part of the proxy: the name of the host is known to nobody else."""
    site.plan["proxy"] = site.hub.url
    site.plan["sources"][0]["url"] = f"http://hub.invalid/{REPO}/resolve/{site.commit}/"
    asked = fetch.Fetch(site.plan, progress.Progress(str(site.job)), site.headers).sources[0]
    file = site.plan["files"][0]
    assert b"".join(asked.blocks(file, 0)) == FILES["config.json"]


def test_range_that_nobody_asked_for(site: Site) -> None:
    asked = fetch.Fetch(site.plan, progress.Progress(str(site.job)), {}).sources[0]
    assert isinstance(asked, ranges.Http)

    class Answer:
        status = 206
        headers = {"Content-Range": "bytes 0-9/100"}  # noqa: RUF012

    file = {"path": "x", "size": 100}
    assert asked.given(Answer(), file, 0, 9) == (0, 10)
    with pytest.raises(patience.AgainError, match="sends bytes bytes 0-9/100, 5-9 were asked"):
        asked.given(Answer(), file, 5, 9)
    with pytest.raises(sources.MissingError, match="has 100 bytes, the manifest says 99"):
        asked.given(Answer(), {"path": "x", "size": 99}, 0, 9)


@pytest.mark.parametrize(
    ("said", "date", "least", "most"),
    [
        (None, None, 0, 0),
        ("7", DATE, 7, 7),
        ("Fri, 31 Dec 1999 23:59:59 GMT", None, 0, 0),
        ("Fri, 31 Dec 2999 23:59:59 GMT", None, 10**9, 10**11),
        ("Mon, 05 Jan 2026 10:01:30 GMT", DATE, 90, 90),
        ("Mon, 05 Jan 2026 09:00:00 GMT", DATE, 0, 0),
        ("soon", DATE, 0, 0),
    ],
)
def test_retry_after(said: str | None, date: str | None, least: float, most: float) -> None:
    """A time is one of the server's clock, where it tells that: this host's may be a day off."""
    assert least <= ranges._seconds({"Retry-After": said, "Date": date}) <= most
