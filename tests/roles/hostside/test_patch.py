"""A patched model lies beside the one as pinned, and nothing of that one changes."""

import hashlib
from pathlib import Path
from typing import Any

import durable
import jobs
import patch
import places
import progress
import pytest
import receipts

BEFORE, AFTER = '{"dtype": "bfloat16"}', '{"dtype": "float16"}\n'


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


class Site:
    """A model as pinned, and the plan to patch it."""

    def __init__(self, tree: Path) -> None:
        self.original, self.folder = tree / "weights/w/abc", tree / "weights/w/abc-def"
        (self.original / "below").mkdir(parents=True)
        (self.original / "config.json").write_text(BEFORE)
        (self.original / "below/model.safetensors").write_bytes(bytes(64))
        self.say = progress.Progress(str(tree))
        self.plan: dict[str, Any] = {
            "name": "qwen3-vl-8b",
            "phase": "patch-w",
            "digest": "d1",
            "original": str(self.original),
            "folder": str(self.folder),
            "files": ["config.json", "below/model.safetensors"],
            "patched": {
                "config.json": {"text": AFTER, "before": _sha256(BEFORE), "after": _sha256(AFTER)}
            },
        }

    def run(self) -> str:
        """Patch once more."""
        return patch.lay_out(self.plan, self.say)


@pytest.fixture
def site(tree: Path) -> Site:
    """A model to patch."""
    return Site(tree)


def _drift(site: Site) -> list[str]:
    return list(receipts.read_all()[site.plan["phase"]]["drift"])


def test_patched_beside(site: Site) -> None:
    assert site.run() == "qwen3-vl-8b: config.json patched, 1 as pinned"
    assert (site.folder / "config.json").read_text() == AFTER
    assert (site.original / "config.json").read_text() == BEFORE
    assert (site.folder / "config.json").stat().st_mode & 0o777 == 0o644
    same = [(f / "below/model.safetensors").stat().st_ino for f in (site.original, site.folder)]
    assert same[0] == same[1]
    assert durable.read_json(places.receipts() + "/patch-w.json")["digest"] == "d1"
    assert _drift(site) == []


def test_again_after_a_hand_was_at_it(site: Site) -> None:
    site.run()
    (site.folder / "config.json").write_text("{}")
    (site.folder / "added").touch()
    assert [line.split(":")[0] for line in _drift(site)] != []
    site.run()
    assert sorted(path.name for path in site.folder.iterdir()) == ["below", "config.json"]
    assert (site.folder / "config.json").read_text() == AFTER
    assert _drift(site) == []
    assert sorted(path.name for path in site.folder.parent.iterdir()) == ["abc", "abc-def"]


def test_another_original(site: Site) -> None:
    (site.original / "config.json").write_text("{}")
    with pytest.raises(jobs.JobError) as caught:
        site.run()
    assert str(caught.value) == (
        f"{site.original}/config.json has sha256 {_sha256('{}')}, the patch was made for "
        f"{_sha256(BEFORE)}; fetch it again"
    )
    assert not site.folder.exists()


def test_what_was_left_of_a_cut_does_not_stay(site: Site) -> None:
    beside = site.folder.with_name("abc-def.new")
    beside.mkdir()
    (beside / "half").touch()
    site.run()
    assert sorted(path.name for path in site.folder.iterdir()) == ["below", "config.json"]


def test_no_second_name(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(source: str, target: str) -> None:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr("os.link", refuse)
    with pytest.raises(jobs.JobError) as caught:
        site.run()
    assert str(caught.value) == (
        f"{site.original}/below/model.safetensors cannot have a second name (Operation not "
        "permitted); weights_root should be on a file system with hard links"
    )
