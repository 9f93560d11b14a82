"""A bundle's files are brought as a host's are, and leave nothing else on the machine."""

import io
import json
import shutil
from pathlib import Path
from typing import Any

import collect
import places
import pytest
import receipts

from tests.roles.hostside.models import listed, model
from tests.standins.hub import Hub, Repository

TOKEN = "hf_kX82LmWq04TzRbYv"
FILES = model(200_000, 300_000)
SHARD = "model-00002-of-00002.safetensors"


class Site:
    """A folder to bundle into, and what is asked for."""

    def __init__(self, tree: Path, patch: pytest.MonkeyPatch) -> None:
        self.folder, self.source, self.patch = tree / "bundle", tree / "source", patch
        self.folder.mkdir()
        self.source.mkdir()
        self.wants: list[dict[str, Any]] = []
        self.shown: list[dict[str, Any]] = []

    def want(self, name: str, files: dict[str, bytes], **fields: Any) -> dict[str, Any]:
        """Ask for files; what is in the source folder unless said otherwise."""
        plan = {
            "name": name, "model": False, "folder": str(self.folder / name), "files": listed(files),
            "sources": [{"name": "the source", "folder": str(self.source)}],
            "limit_mib_s": None, "proxy": None,
        }  # fmt: skip
        self.wants.append(plan | fields)
        self.shown.append({})
        return self.wants[-1]

    def run(self) -> None:
        """Collect."""
        asked = {"folder": str(self.folder), "wants": self.wants, "shown": self.shown}
        self.patch.setattr("sys.stdin", io.StringIO(json.dumps(asked)))
        collect.main()

    def refused(self) -> str:
        """Collect, which must fail; return what is said."""
        with pytest.raises(SystemExit) as error:
            self.run()
        return str(error.value)


@pytest.fixture
def site(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """Nothing is asked for yet."""
    monkeypatch.setattr(collect, "_LOOK_EVERY_S", 0.01)
    return Site(tree, monkeypatch)


def test_files_at_their_own_urls_and_a_model(
    site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    """The token goes with its plan; wheels make no model, and are not judged as one."""
    repository = Repository("acme/private", tokens=(TOKEN,))
    commit = repository.commit(FILES)
    with Hub(repository) as hub:
        below = f"{hub.url}/acme/private/resolve/{commit}/"
        plan = site.want(
            "wheels", {"a.whl": FILES[SHARD]}, sources=[{"name": "the index", "url": ""}]
        )
        plan["files"][0]["at"] = below + SHARD
        site.want("m/1", FILES, model=True, sources=[{"name": "the hub", "url": below}])
        site.shown = [{"0": {"Authorization": f"Bearer {TOKEN}"}}] * 2
        site.run()
    assert (site.folder / "wheels/a.whl").read_bytes() == FILES[SHARD]
    brought = {path.name: path.read_bytes() for path in (site.folder / "m/1").iterdir()}
    assert brought == FILES
    said = capsys.readouterr().out.splitlines()
    assert "wheels: 1 of 1 files (293 KiB) brought and verified in 0 s" in said
    assert "m/1: 6 of 6 files (489 KiB) brought and verified in 0 s" in said
    # Neither a receipt of a host nor a token is left.
    assert receipts.read_all() == {}
    assert [path for path in Path(places.STATE).rglob("*") if path.is_file()] == []


def test_second_run_brings_what_is_new(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for path, content in FILES.items():
        (site.source / path).write_bytes(content)
    site.want("wheels", {SHARD: FILES[SHARD]})
    site.run()
    (site.source / SHARD).unlink()
    (site.folder / f"wheels/{SHARD}").chmod(0o400)
    site.wants.clear()
    site.want("wheels", {path: FILES[path] for path in (SHARD, "config.json")})
    site.run()
    assert "wheels: 1 of 2 files (62 B) brought" in capsys.readouterr().out


def test_damaged_file_is_brought_again(site: Site) -> None:
    (site.source / "a").write_bytes(b"right")
    site.want("wheels", {"a": b"right"})
    site.run()
    (site.folder / "wheels/a").write_bytes(b"wrong")
    site.run()
    assert (site.folder / "wheels/a").read_bytes() == b"right"


def test_disk_is_judged_for_all_together(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(0, 0, 1500))
    for name in ("one", "two"):
        (site.source / name).write_bytes(bytes(400))
        site.want(name, {name: bytes(400)})
    assert site.refused() == (
        "nothing was brought: the bundle needs 800 B more and a spare 800 B on the disk of "
        f"{site.folder}, which has 1 KiB free; free some or give a folder on a larger disk"
    )
    assert list(site.folder.iterdir()) == []
    # What is there, whole or begun, is not needed again.
    (site.folder / "one").mkdir()
    (site.folder / "one/one").write_bytes(bytes(400))
    (site.folder / "two").mkdir()
    (site.folder / "two/two.partial").write_bytes(bytes(100))
    site.run()


def test_what_is_missing_is_told_and_the_rest_kept(site: Site) -> None:
    (site.source / "a").write_bytes(b"a")
    site.want("wheels", {"a": b"a"})
    site.want("tools", {"b": b"b"})
    assert site.refused() == (
        "tools is not complete, what came is kept: b came from no source\n"
        f"the source: {site.source}/b is not in the source"
    )
    assert (site.folder / "wheels/a").read_bytes() == b"a"


def test_files_that_make_no_model(site: Site) -> None:
    (site.source / "config.json").write_bytes(FILES["config.json"])
    site.want("m", {"config.json": FILES["config.json"]}, model=True)
    assert "m is not complete, what came is kept: every file is as pinned, and they" in (
        site.refused()
    )
