"""A fetch that is killed at any time goes on where it was: next to nothing is sent twice."""

import json
import subprocess
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from roles.lab.command import wait
from tests.roles.hostside.models import listed, model
from tests.standins.hub import Hub, Repository

CHUNK = 256 * 1024
FILES = model(2_000_000, 3_000_000, 1_500_000)
KILLS = 6


@pytest.fixture
def hub() -> Iterator[Hub]:
    """A hub that takes about two seconds for the largest file."""
    repository = Repository("acme/model")
    repository.commit(FILES)
    with Hub(repository) as hub:
        hub.mischief.bytes_s = 1_500_000
        yield hub


def _right(folder: Path) -> set[str]:
    """Return what has its name, all of which has to be right."""
    named = {path for path in folder.rglob("*") if path.is_file() and path.suffix != ".partial"}
    for path in named:
        assert path.read_bytes() == FILES[path.name], path
    return {path.name for path in named}


def _sent_more(hub: Hub, before: int, count: int) -> bool:
    return sum(hub.mischief.sent.values()) > before + count


@pytest.mark.parametrize("seed", [1, 2])
def test_killed_and_started_again(tree: Path, installed: Path, hub: Hub, seed: int) -> None:
    text = (installed / "ranges.py").read_text()
    assert "CHUNK = 64 * 1024 * 1024\n" in text
    text = text.replace("CHUNK = 64 * 1024 * 1024\n", f"CHUNK = {CHUNK}\n")
    (installed / "ranges.py").write_text(text)
    job, folder = tree / "job", tree / "weights"
    job.mkdir()
    (commit,) = hub.repositories["acme/model"].commits
    plan = {
        "name": "model",
        "phase": "weights-model",
        "digest": "d1",
        "folder": str(folder),
        "sources": [{"name": "the hub", "url": f"{hub.url}/acme/model/resolve/{commit}/"}],
        "files": listed(FILES),
        "limit_mib_s": None,
        "proxy": None,
    }
    (job / "plan.json").write_text(json.dumps(plan))
    command = [sys.executable, str(installed / "fetch.py"), str(job)]
    random = Random(seed)  # noqa: S311
    killed = 0
    for _ in range(KILLS):
        before = sum(hub.mischief.sent.values())
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as fetch:
            # Not at a time, which a busy machine stretches, but after so many bytes.
            more = random.randrange(50_000, 400_000)
            assert wait(partial(_sent_more, hub, before, more), within_s=600)
            killed += fetch.poll() is None
            fetch.kill()
        _right(folder)
    hub.mischief.bytes_s = 0
    done = subprocess.run(command, capture_output=True, text=True, timeout=600, check=True)
    assert json.loads((job / "result.json").read_text())["ok"], done.stdout
    assert _right(folder) == FILES.keys()
    assert killed >= KILLS // 2
    twice = {path: hub.mischief.sent[path] - len(content) for path, content in FILES.items()}
    # A test of the test: something was on its way when the job was killed.
    assert sum(twice.values()) > 0
    assert max(twice.values()) <= killed * CHUNK, twice
