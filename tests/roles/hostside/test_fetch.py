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
import sources

from tests.roles.hostside.models import listed, pinned, shard

SMALL = b'{"architectures": ["Qwen3ForCausalLM"]}'
LARGE = shard(1024 * 1024)
WORDS = {"tokenizer.json": b"{}", "tokenizer_config.json": b'{"chat_template": "m"}'}
FILES = {"config.json": SMALL, **WORDS, "model.safetensors": LARGE, "below/notes": b"some"}


class Site:
    """A source and a plan."""

    def __init__(self, tree: Path) -> None:
        self.source, self.folder = tree / "source", tree / "weights" / "w" / "abc"
        self.job = tree / "job"
        self.job.mkdir()
        (self.source / "below").mkdir(parents=True)
        for path, content in FILES.items():
            (self.source / path).write_bytes(content)
        self.plan: dict[str, Any] = {
            "name": "qwen3-vl-8b",
            "phase": "weights-w",
            "digest": "d1",
            "folder": str(self.folder),
            "sources": [{"name": "the mount", "folder": str(self.source)}],
            "files": listed(FILES),
            "limit_mib_s": None,
            "proxy": None,
        }

    def run(self) -> str:
        """Fetch once more."""
        return fetch.Fetch(self.plan, progress.Progress(str(self.job)), {}).run()

    @property
    def large(self) -> Path:
        """The large file."""
        return self.folder / "model.safetensors"

    @property
    def partial(self) -> Path:
        """What an earlier try left of the large file."""
        return self.large.with_name("model.safetensors.partial")

    def tried(self, content: bytes) -> None:
        """Leave what an interrupted try left of the large file."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.partial.write_bytes(content)


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
    return found == FILES


def test_files_are_brought(site: Site) -> None:
    assert site.run().startswith("qwen3-vl-8b: 5 of 5 files (1 MiB) brought and verified in 0 s")
    assert _whole(site)
    below = site.folder / "below"
    assert [site.large.stat().st_mode & 0o777, below.stat().st_mode & 0o777] == [
        0o644,
        0o755,
    ]
    assert receipts.read_all() == {"weights-w": {"digest": "d1", "drift": []}}
    assert progress.line(f"{site.job}/progress.json").startswith(
        "bringing from the mount: 1 MiB of"
    )


def test_second_run_brings_nothing(site: Site) -> None:
    site.run()
    before = site.large.stat()
    shutil.rmtree(site.source)
    assert site.run() == "qwen3-vl-8b is complete"
    assert site.large.stat() == before or site.large.stat().st_ino == before.st_ino


def test_only_what_is_missing_is_brought(site: Site) -> None:
    site.run()
    (site.folder / "config.json").unlink()
    (site.source / "model.safetensors").unlink()
    assert site.run().startswith("qwen3-vl-8b: 1 of 5 files (39 B) brought")
    assert _whole(site)


@pytest.mark.parametrize("there", [1, len(LARGE) // 2, len(LARGE) - 1, len(LARGE)])
def test_partial_file_is_continued_at_its_byte(
    there: int, site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.tried(LARGE[:there])
    asked: list[int] = []
    blocks = sources.Folder.blocks

    def told(self: Any, file: Any, offset: int) -> Any:
        if file["path"] == "model.safetensors":
            asked.append(offset)
        return blocks(self, file, offset)

    monkeypatch.setattr(sources.Folder, "blocks", told)
    site.run()
    assert _whole(site)
    assert asked == [there]


def test_source_before_the_byte_is_not_read_again(site: Site) -> None:
    half = len(LARGE) // 2
    site.tried(LARGE[:half])
    (site.source / "model.safetensors").write_bytes(bytes(half) + LARGE[half:])
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
    source = site.source / "model.safetensors"
    source.write_bytes(b"x" + LARGE[1:])
    found, wanted = (hashlib.sha256(c).hexdigest() for c in (source.read_bytes(), LARGE))
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        "model.safetensors came from no source\n"
        f"the mount: {source} has sha256 {found}, the manifest says {wanted}; "
        "the source is damaged or another revision, replace that file there"
    )
    assert not site.large.exists()
    assert not site.partial.exists()
    assert receipts.read_all() == {}


def test_damaged_source_is_told_after_a_continued_try(site: Site) -> None:
    site.tried(LARGE[:1000])
    (site.source / "model.safetensors").write_bytes(LARGE[:-1] + b"x")
    with pytest.raises(fetch.FetchError, match="the source is damaged"):
        site.run()
    assert not site.large.exists()
    assert not site.partial.exists()


@pytest.mark.parametrize("content", [LARGE[:-1], LARGE + b"x", b""])
def test_source_of_another_size_is_refused_before_it_is_read(content: bytes, site: Site) -> None:
    source = site.source / "model.safetensors"
    source.write_bytes(content)
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        "model.safetensors came from no source\n"
        f"the mount: {source} has {len(content)} bytes, the manifest says {len(LARGE)}; "
        "the source is another revision or incomplete"
    )
    assert not site.large.exists()
    assert not site.partial.exists()


def test_file_that_is_not_in_the_source_is_named(site: Site) -> None:
    source = site.source / "model.safetensors"
    source.unlink()
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        f"model.safetensors came from no source\nthe mount: {source} is not in the source"
    )


def test_empty_file_is_brought_too(site: Site) -> None:
    (site.source / "empty").write_bytes(b"")
    site.plan["files"] = [*site.plan["files"], pinned("empty", b"")]
    assert site.run().startswith("qwen3-vl-8b: 6 of 6 files")
    assert (site.folder / "empty").read_bytes() == b""
    assert site.run() == "qwen3-vl-8b is complete"


def test_next_source_is_asked_for_what_one_does_not_have(site: Site) -> None:
    """A mount that lacks one shard gives the rest; why it did not is told."""
    mirror = site.source.with_name("mirror")
    shutil.copytree(site.source, mirror)
    (site.source / "model.safetensors").unlink()
    (site.source / "config.json").write_bytes(b"x" * len(SMALL))
    for path in ("tokenizer.json", "below/notes"):
        (mirror / path).unlink()
    site.plan["sources"].append({"name": "the mirror", "folder": str(mirror)})
    said = site.run().splitlines()
    assert _whole(site)
    assert len(said) == 3
    assert f"not from the mount: {site.source}/model.safetensors is not in the source" in said
    assert any("config.json has sha256" in line for line in said)


def test_what_one_source_began_another_continues(site: Site) -> None:
    site.tried(LARGE[:1000])
    mirror = site.source.with_name("mirror")
    mirror.mkdir()
    (mirror / "model.safetensors").write_bytes(bytes(1000) + LARGE[1000:])
    (site.source / "model.safetensors").unlink()
    site.plan["sources"].append({"name": "the mirror", "folder": str(mirror)})
    site.run()
    assert _whole(site)


def test_files_as_pinned_that_are_no_whole_model_are_refused(site: Site) -> None:
    site.plan["files"] = [file for file in site.plan["files"] if file["path"] != "tokenizer.json"]
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        "every file is as pinned, and they make no whole model; pin the whole revision:\n"
        "there is no tokenizer: neither tokenizer.json nor vocab.json with merges.txt"
    )
    assert receipts.read_all() == {}


_Usage = collections.namedtuple("_Usage", "total used free")


def _free(monkeypatch: pytest.MonkeyPatch, free: int) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(0, 0, free))


def test_disk_too_small_is_refused_before_the_first_byte(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    _free(monkeypatch, 2 * sum(map(len, FILES.values())) - 1)
    with pytest.raises(fetch.FetchError) as refused:
        site.run()
    assert str(refused.value) == (
        f"qwen3-vl-8b needs 1 MiB and a spare 1 MiB on the disk of {site.folder}, which has 2 MiB "
        "free; free some or set weights_root to a larger disk"
    )
    assert list(site.folder.iterdir()) == []


def test_disk_just_large_enough_will_do(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    _free(monkeypatch, 2 * sum(map(len, FILES.values())))
    site.run()
    assert _whole(site)


def test_room_for_what_is_made_of_it(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """As much as compressing will take is there before the first byte is brought."""
    total = sum(map(len, FILES.values()))
    site.plan["later"] = total
    _free(monkeypatch, 4 * total - 1)
    with pytest.raises(fetch.FetchError) as caught:
        site.run()
    assert str(caught.value).startswith(
        "qwen3-vl-8b needs 2 MiB, with what is made of it, and a spare 2 MiB on the disk of "
    )
    _free(monkeypatch, 4 * total)
    site.run()
    assert _whole(site)


def test_what_is_there_needs_no_room(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.tried(LARGE)
    _free(monkeypatch, 2 * (sum(map(len, FILES.values())) - len(LARGE)))
    site.run()
    assert _whole(site)


def test_partial_file_that_is_too_long_makes_no_room(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.tried(LARGE * 2)
    _free(monkeypatch, 0)
    with pytest.raises(fetch.FetchError, match="needs 1 MiB and a spare 1 MiB"):
        site.run()


def test_flipped_byte_is_put_right_and_whoever_reads_the_old_file_goes_on(site: Site) -> None:
    site.run()
    with site.large.open("r+b") as damaging:
        damaging.seek(5000)
        damaging.write(bytes([LARGE[5000] ^ 1]))
    damaged = site.large.read_bytes()
    inode = site.large.stat().st_ino
    with site.large.open("rb") as file, mmap.mmap(file.fileno(), 0, prot=mmap.PROT_READ) as held:
        assert site.run().startswith("qwen3-vl-8b: 1 of 5 files (1 MiB) brought")
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
    monkeypatch.setattr(sources, "_BLOCK", 64 * 1024)
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
    source = site.source / "model.safetensors"
    source.unlink()
    fetch.main()
    assert durable.read_json(f"{site.job}/result.json") == {
        "ok": False,
        "summary": "qwen3-vl-8b is not complete, nothing that serves was touched: "
        f"model.safetensors came from no source\nthe mount: {source} is not in the source",
    }


def test_script_leaves_no_token(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither when it reads one, nor when another run leaves one meanwhile."""
    file = site.job / "tokens.json"
    durable.write_json(str(file), {"0": {"Authorization": "Bearer x"}})
    durable.write_json(f"{site.job}/plan.json", site.plan)
    monkeypatch.setattr("sys.argv", ["fetch.py", str(site.job)])
    seen: list[bool] = []
    run = fetch.Fetch.run

    def looked(self: fetch.Fetch) -> str:
        seen.append(file.exists())
        file.write_text("{}")
        return run(self)

    monkeypatch.setattr(fetch.Fetch, "run", looked)
    fetch.main()
    assert seen == [False]
    assert not file.exists()


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
