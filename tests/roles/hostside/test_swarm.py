"""Hosts of a swarm, each a process with an address of its own on loopback, by libtorrent itself."""

import base64
import hashlib
import json
import os
import signal
import site
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import durable
import pytest
import swarm
import torrent

from roles import authority
from roles.lab.command import wait
from tests.roles.hostside.models import listed, model
from tests.standins.ports import free_port

FILES = {**model(1_500_000, 900_000), "below/empty": b"", "below/notes": b"some"}
SHARD = "model-00001-of-00002.safetensors"
PIN = "libtorrent==2.0.15 --hash=sha256:00\n"
NAME = "0123456789ab"


class Fleet:
    """Hosts below one folder, and the certificate of a run."""

    def __init__(self, tree: Path, scripts: Path) -> None:
        self.tree, self.scripts, self.port = tree, scripts, free_port()
        self.shown = authority.credentials()
        self.offered = ""
        self.running: list[subprocess.Popen[bytes]] = []
        folder = hashlib.sha256(PIN.encode()).hexdigest()[:12]
        tool = tree / f"opt/tools/libtorrent-{folder}"
        (tool / "lib").mkdir(parents=True)
        (tool / "lib" / "python3").mkdir()
        (tool / "lib" / "python3" / "site-packages").symlink_to(site.getsitepackages()[0])
        durable.write_json(f"{tool}/complete.json", {})

    def weights(self, number: int) -> Path:
        """Where a host has the model."""
        return self.tree / f"host{number}" / "weights" / "model" / NAME

    def holds(self, number: int, files: dict[str, bytes] = FILES, name: str = NAME) -> Path:
        """Let a host have files."""
        folder = self.weights(number).with_name(name)
        for path, content in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(content)
        return folder

    def offer(self, number: int) -> None:
        """Make the torrent from a host's files."""
        job = self.job(number, {"packages": None})
        self.script("torrent", job)
        assert durable.read_json(f"{job}/result.json")["ok"], durable.read_json(
            f"{job}/result.json"
        )
        self.offered = base64.b64encode(torrent.read(str(self.weights(number))) or b"").decode()

    def job(self, number: int, more: dict[str, Any]) -> Path:
        """Leave a plan for a host."""
        folder = self.tree / f"host{number}" / "job"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "result.json").unlink(missing_ok=True)
        plan = {
            "name": "qwen3",
            "phase": f"weights-{number}",
            "digest": "d1",
            "folder": str(self.weights(number)),
            "files": listed(FILES),
            "tool": PIN,
        }
        durable.write_json(f"{folder}/plan.json", plan | more)
        return folder

    def start(self, number: int, *others: int, holds: bool = False, **more: Any) -> Path:
        """Let a host take part."""
        planned: dict[str, Any] = {
            "holds": holds,
            "torrent": self.offered,
            "address": f"127.0.0.{number}",
            "port": self.port,
            "peers": [[f"127.0.0.{other}", self.port] for other in others],
            "share": [number, 3],
            "limit_mib_s": None,
            "packages": None,
        }
        job = self.job(number, planned | more)
        durable.write_json(f"{job}/tokens.json", {"swarm": self.shown})
        self.running.append(subprocess.Popen(self.words("swarm", job), stdout=subprocess.DEVNULL))
        return job

    def words(self, script: str, job: Path) -> list[str]:
        """Return the command line of a script."""
        return [sys.executable, str(self.scripts / f"{script}.py"), str(job)]

    def script(self, script: str, job: Path) -> None:
        """Run a script to its end."""
        subprocess.run(self.words(script, job), stdout=subprocess.DEVNULL, timeout=600, check=True)

    def result(self, job: Path, within_s: float = 600) -> Any:
        """Wait for a host's result."""
        assert wait(lambda: (job / "result.json").exists(), within_s=within_s)
        return durable.read_json(f"{job}/result.json")

    def end(self, number: int) -> Any:
        """Stop the host that was started as the ``number``th, and return what it did."""
        self.running[number].send_signal(signal.SIGTERM)
        assert self.running[number].wait(600) == 0


@pytest.fixture
def fleet(tree: Path, installed: Path) -> Iterator[Fleet]:
    """A fleet whose first host has the model and offers it."""
    made = Fleet(tree, installed)
    made.holds(1)
    made.offer(1)
    yield made
    for process in made.running:
        process.kill()
        process.wait()


def _patience(fleet: Fleet, seconds: float) -> None:
    text = (fleet.scripts / "swarm.py").read_text()
    assert "_PATIENCE_S = 60.0\n" in text
    changed = text.replace("_PATIENCE_S = 60.0\n", f"_PATIENCE_S = {seconds}\n")
    (fleet.scripts / "swarm.py").write_text(changed)


def _found(folder: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_two_bring_it_from_one_and_from_each_other(fleet: Fleet) -> None:
    giver = fleet.start(1, 2, 3, holds=True)
    takers = [fleet.start(2, 1, 3), fleet.start(3, 1, 2)]
    assert fleet.result(giver)["summary"] == "qwen3: given to the other hosts"
    for number, taker in enumerate(takers, start=2):
        result = fleet.result(taker)
        assert result["ok"], result
        assert result["goes_on"]
        assert result["summary"].startswith("qwen3: brought from the other hosts and verified in ")
        assert _found(fleet.weights(number)) == FILES
        assert (fleet.weights(number) / SHARD).stat().st_mode & 0o777 == 0o644
        receipt = durable.read_json(f"{fleet.tree}/state/receipts/weights-{number}.json")
        assert receipt["digest"] == "d1"
    # Whoever has taken keeps the torrent, and can give it another day.
    assert torrent.read(str(fleet.weights(2))) == torrent.read(str(fleet.weights(1)))
    fleet.end(0)
    did = durable.read_json(f"{giver}/result.json")["did"]
    assert did.startswith("gave ")
    assert did.endswith(" to the other hosts")
    fleet.end(1)
    assert not Path(f"{fleet.weights(2)}.swarm").exists()
    assert _found(fleet.weights(2)) == FILES


def test_nobody_has_all_and_together_they_do(fleet: Fleet) -> None:
    """As when the one that had it is gone: every block is somewhere."""
    second = "model-00002-of-00002.safetensors"
    fleet.holds(2, {path: content for path, content in FILES.items() if path != SHARD})
    fleet.holds(3, {path: content for path, content in FILES.items() if path != second})
    takers = [fleet.start(2, 3), fleet.start(3, 2)]
    assert [fleet.result(taker)["ok"] for taker in takers] == [True, True]
    assert _found(fleet.weights(2)) == _found(fleet.weights(3)) == FILES


def test_secrets_are_read_once(fleet: Fleet) -> None:
    giver = fleet.start(1, 2, holds=True)
    fleet.result(giver)
    assert not (giver / "tokens.json").exists()
    assert fleet.shown["key"] not in (giver / "plan.json").read_text()


def test_stranger_gets_nothing(fleet: Fleet) -> None:
    """An address of the fleet and the torrent are not enough without a certificate of the run."""
    _patience(fleet, 4)
    fleet.start(1, 2, holds=True)
    fleet.shown = authority.credentials()
    result = fleet.result(fleet.start(2, 1))
    assert not result["ok"]
    assert result["summary"] == (
        "qwen3: not from the other hosts: nothing came from the other hosts for 4 s, 0 of them "
        "answered"
    )
    assert not fleet.weights(2).exists() or _found(fleet.weights(2)).keys() <= {"below/empty"}


def test_address_that_nobody_named_gets_nothing(fleet: Fleet) -> None:
    _patience(fleet, 4)
    fleet.start(1, 3, holds=True)
    result = fleet.result(fleet.start(2, 1))
    assert "nothing came from the other hosts for 4 s" in result["summary"]


def _damage(path: Path) -> bytes:
    content = bytearray(path.read_bytes())
    content[700_000] ^= 1
    path.write_bytes(content)
    return bytes(content)


def test_block_that_is_wrong_on_a_disk_is_fetched_elsewhere(fleet: Fleet) -> None:
    fleet.holds(3)
    content = _damage(fleet.weights(1) / SHARD)
    fleet.start(1, 2, 3, holds=True)
    fleet.start(3, 1, 2, holds=True)
    result = fleet.result(fleet.start(2, 1, 3))
    assert result["ok"], result
    assert _found(fleet.weights(2)) == FILES
    assert (fleet.weights(1) / SHARD).read_bytes() == content


def test_block_that_is_wrong_everywhere_is_told(fleet: Fleet) -> None:
    _patience(fleet, 5)
    damaged = fleet.weights(1) / SHARD
    _damage(damaged)
    giver = fleet.start(1, 2, holds=True)
    assert not fleet.result(fleet.start(2, 1))["ok"]
    assert not (fleet.weights(2) / SHARD).exists()
    fleet.end(0)
    did = durable.read_json(f"{giver}/result.json")["did"]
    assert f"{damaged} differ from what was verified here and were refused" in did


def test_torrent_of_files_that_are_not_pinned(fleet: Fleet) -> None:
    """The manifest is the judge: a swarm that agrees on something else convinces nobody."""
    (fleet.weights(1) / SHARD).write_bytes(b"x" * len(FILES[SHARD]))
    fleet.offer(1)
    fleet.start(1, 2, holds=True)
    result = fleet.result(fleet.start(2, 1))
    assert not result["ok"]
    assert (
        f"{SHARD} has sha256 {hashlib.sha256(b'x' * len(FILES[SHARD])).hexdigest()}"
        in (result["summary"])
    )
    assert not (fleet.weights(2) / SHARD).exists()


def test_killed_and_continued(fleet: Fleet) -> None:
    fleet.start(1, 2, holds=True, limit_mib_s=0.5)
    job = fleet.start(2, 1, limit_mib_s=0.5)
    here = Path(f"{fleet.weights(2)}.swarm") / NAME / SHARD
    assert wait(lambda: here.exists() and here.stat().st_blocks * 512 > 300_000, within_s=600)
    fleet.running[1].kill()
    fleet.running[1].wait()
    assert not (fleet.weights(2) / SHARD).exists()
    job = fleet.start(2, 1)
    assert fleet.result(job)["ok"]
    assert _found(fleet.weights(2)) == FILES
    fleet.end(0)
    sent = durable.read_json(f"{fleet.tree}/host1/job/result.json")["did"]
    mib = float(sent.split()[1])
    assert mib <= 4, sent


def test_what_came_is_left_to_whoever_brings_the_rest(fleet: Fleet) -> None:
    _patience(fleet, 10)
    fleet.start(1, 2, holds=True, limit_mib_s=0.5)
    job = fleet.start(2, 1, limit_mib_s=0.5)
    here = Path(f"{fleet.weights(2)}.swarm") / NAME
    assert wait(
        lambda: sum(p.stat().st_blocks for p in here.glob("*")) * 512 > 600_000, within_s=600
    )
    fleet.running[0].kill()
    result = fleet.result(job)
    assert "nothing came from the other hosts for 10 s" in result["summary"]
    assert not here.exists()
    for path in fleet.weights(2).rglob("*.partial"):
        whole = FILES[str(path.relative_to(fleet.weights(2)))[: -len(".partial")]]
        assert whole.startswith(path.read_bytes())


def test_only_what_changed_is_brought(fleet: Fleet) -> None:
    older = fleet.holds(2, FILES | {SHARD: b"older"}, name="ba9876543210")
    fleet.start(1, 2, holds=True)
    result = fleet.result(fleet.start(2, 1))
    assert result["ok"], result
    second = "model-00002-of-00002.safetensors"
    assert (older / second).samefile(fleet.weights(2) / second)
    assert (older / SHARD).read_bytes() == b"older"
    fleet.end(0)
    sent = durable.read_json(f"{fleet.tree}/host1/job/result.json")["did"]
    assert sent.startswith("gave 1 MiB"), sent


def test_port_that_is_taken(fleet: Fleet) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", fleet.port))
        taken.listen()
        result = fleet.result(fleet.start(1, 2, holds=True))
    assert not result["ok"]
    assert f"cannot listen on 127.0.0.1:{fleet.port} (Address already in use)" in result["summary"]


def test_full_disk(fleet: Fleet, full_disk: Path) -> None:
    fleet.weights(2).parent.parent.mkdir(parents=True)
    os.system(f"mount -o remount,nr_inodes=100,size=600k {full_disk}")  # noqa: S605
    fleet.weights(2).parent.symlink_to(full_disk)
    fleet.start(1, 2, holds=True)
    result = fleet.result(fleet.start(2, 1))
    assert not result["ok"]
    assert "needs 2 MiB and a spare 2 MiB on the disk of" in result["summary"]


def test_about(fleet: Fleet) -> None:
    found = swarm.about(str(fleet.weights(1)), "127.0.0.0/8")
    assert found == {"address": "127.0.0.1", "torrent": fleet.offered}
    assert swarm.about(str(fleet.weights(2)), "198.51.100.0/24")["address"] is None
    assert json.dumps(found)


def test_pieces() -> None:
    assert torrent.piece_length(1) == 64 << 10
    assert torrent.piece_length(1 << 30) == 256 << 10
    assert torrent.piece_length(60 << 30) == 16 << 20
    assert torrent.piece_length(1 << 40) == 16 << 20
