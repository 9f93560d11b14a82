"""Files of weights arrive whole, get their names last, and are continued where they broke off."""

import collections
import hashlib
import mmap
import shutil
from pathlib import Path
from typing import Any

import durable
import fetch
import places
import progress
import pytest
import receipts

SMALL = b'{"model_type": "qwen3_vl"}'
LARGE = bytes(range(256)) * 4096  # 1 MiB


class Site:
    """A source and a plan."""

    def __init__(self, tree: Path) -> None:
        self.source, self.folder = tree / "source", tree / "weights" / "w" / "abc"
        self.job = tree / "job"
        self.job.mkdir()
        (self.source / "below").mkdir(parents=True)
        (self.source / "config.json").write_bytes(SMALL)
        (self.source / "below" / "model.safetensors").write_bytes(LARGE)
        self.plan = {
            "name": "qwen3-vl-8b",
            "phase": "weights-w",
            "digest": "d1",
            "folder": str(self.folder),
            "source": str(self.source),
            "files": [
                _file("config.json", SMALL),
                _file("below/model.safetensors", LARGE),
            ],
        }
        self.fetched = fetch.Fetch(self.plan, progress.Progress(str(self.job)))

    def run(self) -> str:
        """Fetch once more."""
        self.fetched = fetch.Fetch(self.plan, progress.Progress(str(self.job)))
        return self.fetched.run()

    @property
    def large(self) -> Path:
        """The large file."""
        return self.folder / "below" / "model.safetensors"

    @property
    def partial(self) -> Path:
        """What an earlier try left of the large file."""
        return self.large.with_name("model.safetensors.partial")

    def tried(self, content: bytes) -> None:
        """Leave what an interrupted try left of the large file."""
        self.partial.parent.mkdir(parents=True)
        self.partial.write_bytes(content)


def _file(path: str, content: bytes) -> dict[str, Any]:
    return {"path": path, "size": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def site(tree: Path) -> Site:
    """Two files to bring."""
    return Site(tree)


def _whole(site: Site) -> bool:
    found = {
        str(path.relative_to(site.folder)): path.read_bytes()
        for path in site.folder.rglob("*")
        if path.is_file()
    }
    return found == {"config.json": SMALL, "below/model.safetensors": LARGE}


def test_files_are_brought(site: Site) -> None:
    assert site.run().startswith("qwen3-vl-8b: 2 of 2 files (1 MiB) brought and verified in 0 s")
    assert _whole(site)
    assert [site.large.stat().st_mode & 0o777, site.large.parent.stat().st_mode & 0o777] == [
        0o644,
        0o755,
    ]
    assert receipts.read_all() == {"weights-w": {"digest": "d1", "drift": []}}
    assert progress.line(f"{site.job}/progress.json").startswith("bringing: 1 MiB of 1 MiB")


def test_second_run_brings_nothing(site: Site) -> None:
    site.run()
    before = site.large.stat()
    shutil.rmtree(site.source)
    assert site.run() == "qwen3-vl-8b is complete"
    assert site.large.stat() == before or site.large.stat().st_ino == before.st_ino


def test_only_what_is_missing_is_brought(site: Site) -> None:
    site.run()
    (site.folder / "config.json").unlink()
    (site.source / "below" / "model.safetensors").unlink()
    assert site.run().startswith("qwen3-vl-8b: 1 of 2 files (26 B) brought")
    assert _whole(site)


@pytest.mark.parametrize("there", [1, len(LARGE) // 2, len(LARGE) - 1, len(LARGE)])
def test_partial_file_is_continued_at_its_byte(
    there: int, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.tried(LARGE[:there])
    real, copied = fetch.Fetch.read, collections.Counter[str]()

    def counted(self: Any, origin: Any, digest: Any, stage: str, target: Any = None) -> None:
        before = self.done
        real(self, origin, digest, stage, target)
        copied[stage] += self.done - before

    monkeypatch.setattr(fetch.Fetch, "read", counted)
    site.run()
    assert _whole(site)
    assert copied == {"continuing": there, "bringing": len(LARGE) - there + len(SMALL)}


def test_source_before_the_byte_is_not_read_again(site: Site) -> None:
    half = len(LARGE) // 2
    site.tried(LARGE[:half])
    (site.source / "below" / "model.safetensors").write_bytes(bytes(half) + LARGE[half:])
    site.run()
    assert _whole(site)


@pytest.mark.parametrize(
    "left",
    [b"x" * 1000, b"x" * len(LARGE), LARGE + b"more", LARGE[:1000] + b"x"],
    ids=["short", "same size", "too long", "one byte"],
)
def test_wrong_partial_file_is_thrown_away_and_tried_again(left: bytes, site: Site) -> None:
    site.tried(left)
    site.run()
    assert _whole(site)


def test_damaged_source_is_told_with_both_digests(site: Site) -> None:
    source = site.source / "below" / "model.safetensors"
    source.write_bytes(b"x" + LARGE[1:])
    found, wanted = (hashlib.sha256(c).hexdigest() for c in (source.read_bytes(), LARGE))
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        f"{source} has sha256 {found}, the manifest says {wanted}; the source is damaged or "
        "another revision, replace that file there"
    )
    assert not site.large.exists()
    assert not site.partial.exists()
    assert receipts.read_all() == {}


def test_damaged_source_is_told_after_a_continued_try(site: Site) -> None:
    site.tried(LARGE[:1000])
    (site.source / "below" / "model.safetensors").write_bytes(LARGE[:-1] + b"x")
    with pytest.raises(fetch.FetchError, match="the source is damaged"):
        site.run()
    assert not site.large.exists()
    assert not site.partial.exists()


@pytest.mark.parametrize("content", [LARGE[:-1], LARGE + b"x", b""])
def test_source_of_another_size_is_refused_before_it_is_read(content: bytes, site: Site) -> None:
    source = site.source / "below" / "model.safetensors"
    source.write_bytes(content)
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        f"{source} has {len(content)} bytes, the manifest says {len(LARGE)}; the source is "
        "another revision or incomplete"
    )
    assert not site.large.exists()
    assert not site.partial.exists()


def test_file_that_is_not_in_the_source_is_named(site: Site) -> None:
    source = site.source / "below" / "model.safetensors"
    source.unlink()
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == f"{source} is not in the source"


def test_empty_file_is_brought_too(site: Site) -> None:
    (site.source / "empty").write_bytes(b"")
    site.plan["files"] = [_file("empty", b"")]
    assert site.run().startswith("qwen3-vl-8b: 1 of 1 files (0 B) brought")
    assert (site.folder / "empty").read_bytes() == b""
    assert site.run() == "qwen3-vl-8b is complete"


_Usage = collections.namedtuple("_Usage", "total used free")


def _free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(0, 0, free))


def test_disk_too_small_is_refused_before_the_first_byte(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _free(monkeypatch, 2 * (len(SMALL) + len(LARGE)) - 1)
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        f"qwen3-vl-8b needs 1 MiB and a spare 1 MiB on the disk of {site.folder}, which has 2 MiB "
        "free; free some or set weights_root to a larger disk"
    )
    assert list(site.folder.iterdir()) == []


def test_disk_just_large_enough_will_do(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _free(monkeypatch, 2 * (len(SMALL) + len(LARGE)))
    site.run()
    assert _whole(site)


def test_what_is_there_needs_no_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.tried(LARGE)
    _free(monkeypatch, 2 * len(SMALL))
    site.run()
    assert _whole(site)


def test_partial_file_that_is_too_long_makes_no_room_for_others(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.tried(LARGE * 2)
    _free(monkeypatch, 0)
    with pytest.raises(fetch.FetchError, match="needs 26 B and a spare 26 B"):
        site.run()


def test_flipped_byte_is_put_right_and_whoever_reads_the_old_file_goes_on(site: Site) -> None:
    site.run()
    with site.large.open("r+b") as damaging:
        damaging.seek(5)
        damaging.write(b"\x00")
    damaged = site.large.read_bytes()
    inode = site.large.stat().st_ino
    with site.large.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as held:
        assert site.run().startswith("qwen3-vl-8b: 1 of 2 files (1 MiB) brought")
        assert held[:] == damaged
    assert _whole(site)
    assert site.large.stat().st_ino != inode


def test_nothing_gets_its_name_before_it_is_right(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bytes] = []
    say = progress.Progress.say

    def looked(self: Any, *words: Any) -> None:
        say(self, *words)
        seen.extend(path.read_bytes() for path in site.folder.rglob("*.safetensors"))

    monkeypatch.setattr(progress.Progress, "say", looked)
    monkeypatch.setattr(fetch, "_BLOCK", 64 * 1024)
    site.run()
    site.run()
    assert set(seen) == {LARGE}


def test_script_leaves_its_result(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    durable.write_json(f"{site.job}/plan.json", site.plan)
    monkeypatch.setattr("sys.argv", ["fetch.py", str(site.job)])
    fetch.main()
    result = durable.read_json(f"{site.job}/result.json")
    assert result["ok"]
    assert capsys.readouterr().out == result["summary"] + "\n"

    site.large.unlink()
    source = site.source / "below" / "model.safetensors"
    source.unlink()
    fetch.main()
    assert durable.read_json(f"{site.job}/result.json") == {
        "ok": False,
        "summary": "qwen3-vl-8b is not complete, nothing that serves was touched: "
        f"{source} is not in the source",
    }


def test_script_tells_of_a_folder_that_cannot_be_written(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.folder.parent.parent.write_text("a file where the root should be")
    durable.write_json(f"{site.job}/plan.json", site.plan)
    monkeypatch.setattr("sys.argv", ["fetch.py", str(site.job)])
    fetch.main()
    result = durable.read_json(f"{site.job}/result.json")
    assert not result["ok"]
    assert "Not a directory" in result["summary"]
    assert places.receipts() not in result["summary"]
