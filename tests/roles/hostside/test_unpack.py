"""A stack that is one archive is complete when all of it is unpacked, and not before."""

import os
import shutil
from pathlib import Path
from typing import Any, NamedTuple

import durable
import fetch
import install
import jobs
import places
import progress
import pytest
import unpack

from tests.standins.ollama import build
from tests.standins.ollama.build import Packed


class Stack(NamedTuple):
    """A plan, where it leaves the stack, and the archive in its source."""

    plan: dict[str, Any]
    job: Path
    packed: Packed

    @property
    def folder(self) -> Path:
        return Path(self.plan["folder"])

    def run(self) -> str:
        """Run the plan."""
        return unpack.Unpack(self.plan, progress.Progress(str(self.job))).run()


@pytest.fixture
def stack(tree: Path, request: pytest.FixtureRequest) -> Stack:
    """A plan for the archive of the stand-in."""
    name = getattr(request, "param", "ollama-linux-amd64.tgz")
    packed = build.build(tree / "vendor", name)
    job = tree / "job"
    job.mkdir()
    plan = {
        "name": "ollama-abc",
        "folder": f"{places.stacks()}/ollama-abc",
        "disk_gib": 0.01,
        "program": "bin/ollama",
        "archive": {"path": name, "size": packed.size, "sha256": packed.sha256},
        "beside": f"{places.installers()}/abc-{name}",
        "sources": [{"name": "/mnt/vendor", "folder": str(packed.path.parent)}],
        "limit_mib_s": None,
        "proxy": None,
    }
    return Stack(plan, job, packed)


@pytest.mark.parametrize(
    "stack", ["ollama-linux-amd64.tgz", "ollama-linux-amd64.tar.zst"], indirect=True
)
def test_installed(stack: Stack) -> None:
    """Whoever packed it owns nothing here, and what it came as is gone."""
    assert stack.run().startswith("ollama-abc installed in ")
    program, library = stack.folder / "bin/ollama", stack.folder / "lib/ollama/libggml-base.so"
    assert os.access(program, os.X_OK)
    assert program.stat().st_uid == os.geteuid()
    assert (library.stat().st_mode & 0o777) == 0o664 & ~_umask()
    assert durable.read_json(f"{stack.folder}/complete.json")
    assert not Path(stack.plan["beside"]).exists()
    assert stack.run() == "ollama-abc is complete"


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def test_files_of_another_version_are_not_among_it(stack: Stack) -> None:
    """An interrupted try, or somebody by hand, left some."""
    old = stack.folder / "lib/ollama/libold.so"
    old.parent.mkdir(parents=True)
    old.write_text("")
    stack.run()
    assert not old.exists()


def test_what_came_is_kept_for_the_next_try(stack: Stack) -> None:
    stack.plan["program"] = "bin/other"
    with pytest.raises(unpack.UnpackError) as refused:
        stack.run()
    assert str(refused.value) == (
        "ollama-linux-amd64.tgz holds no program bin/other; it is the release for another system, "
        "or the stack's command is another one's"
    )
    assert not (stack.folder / "complete.json").exists()
    stack.packed.path.unlink()
    stack.plan["program"] = "bin/ollama"
    assert stack.run().startswith("ollama-abc installed in ")


def test_archive_with_another_hash_is_not_unpacked(stack: Stack) -> None:
    content = stack.packed.path.read_bytes()
    stack.packed.path.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(fetch.FetchError, match="the manifest says"):
        stack.run()
    assert not stack.folder.exists()


def test_archive_that_is_none(stack: Stack, tmp_path: Path) -> None:
    """Its hash is as pinned: the wrong file was pinned."""
    stack.packed.path.write_bytes(b"<html>404</html>")
    stack.plan["archive"].update(size=stack.packed.size, sha256=stack.packed.sha256)
    with pytest.raises(unpack.UnpackError, match=r"^tar could not unpack .*ollama.*tgz:\n"):
        stack.run()
    assert not (stack.folder / "complete.json").exists()


def test_disk_too_small_is_refused(stack: Stack) -> None:
    stack.plan["disk_gib"] = 1_000_000
    with pytest.raises(install.InstallError, match=r"^it takes 1000000\.0 GiB, the disk of "):
        stack.run()
    assert not Path(stack.plan["beside"]).exists()


def test_stack_that_serves_is_not_deleted(stack: Stack) -> None:
    stack.run()
    (stack.folder / "complete.json").unlink()
    release = Path(places.releases("chat"), "r1")
    release.mkdir(parents=True)
    (release / "stack").symlink_to(stack.folder)
    durable.link(places.instance("chat") + "/current", str(release))
    with pytest.raises(install.InstallError, match="its marker is gone while chat runs from it"):
        stack.run()
    assert (stack.folder / "bin/ollama").exists()


def test_script_leaves_its_result(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    shutil.rmtree(stack.packed.path.parent)
    durable.write_json(f"{stack.job}/plan.json", stack.plan)
    monkeypatch.setattr("sys.argv", ["unpack.py", str(stack.job)])
    unpack.main()
    result = durable.read_json(f"{stack.job}/result.json")
    assert not result["ok"]
    said = "ollama-abc is not installed, nothing that serves was touched: ollama-linux-amd64.tgz "
    assert result["summary"].startswith(f"{said}came from no source\n")
    assert issubclass(unpack.UnpackError, jobs.JobError)
    assert capsys.readouterr().out.endswith(result["summary"] + "\n")
