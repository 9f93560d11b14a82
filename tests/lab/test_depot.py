"""A depot gives what it has over rsync and SSH, cut in the middle, and to nobody else."""

import json
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from inventories.weights import canary
from roles.lab import Lab, LabHost, places
from tests.lab.site import Site, sent
from tests.lab.waiting import AT_MOST_S, comes

pytestmark = pytest.mark.lab

LARGE = "model.safetensors"
SIZE = {file.path: file.size for file in canary.WEIGHTS.files}[LARGE]
KEYS = ("key", "other")


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of two private keys; the depot knows one."""
    folder = tmp_path_factory.mktemp("keys")
    for name in KEYS:
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(folder / name)]
        subprocess.run(words, check=True, timeout=30)
    return folder


@pytest.fixture(scope="module")
def depot(lab: Lab, keys: Path) -> Iterator[LabHost]:
    """A host whose user ``models`` may pull from one folder, by rrsync, and do nothing else."""
    lab.up(2)
    host = lab.hosts[1]
    root = Path(host.disk.root)
    public = (keys / "key.pub").read_text()
    (root / "root/authorized").write_text(f'command="rrsync -ro /srv/models",restrict {public}')
    (root / "srv/models/canary").mkdir(parents=True)
    for file in (places.REPOSITORY / "canary/model").iterdir():
        (root / "srv/models/canary" / file.name).write_bytes(file.read_bytes())
    # Without a password, and not locked.
    made = "useradd --create-home --password '*' models && install -d -o models ~models/.ssh"
    done = host.run(f"{made} && install -o models /root/authorized ~models/.ssh/authorized_keys")
    assert done.returncode == 0, done.stderr
    yield host
    host.run("userdel --remove models; rm -r /srv/models /root/authorized")


@pytest.fixture(scope="module")
def wanting(depot: LabHost, keys: Path, make_site: Callable[..., Site]) -> Site:
    """A site whose first host is to serve what only the depot has, slowly."""
    made = make_site()
    source = (
        f"Rsync(host={depot.address!r}, user='models', path='/canary', "
        f"host_key={depot.disk.public_key()!r}, key=Secret(file=Path({str(keys / 'key')!r})))"
    )
    config = f"Path({str(places.REPOSITORY / 'canary/model/config.json')!r})"
    update = f"{{'name': 'of-depot', 'sources': ({source},), 'config': {config}}}"
    made.want(f"(_instance(weights=canary.WEIGHTS.model_copy(update={update})),)")
    text = made.inventory.read_text()
    bound = "packages=_packages, fetch_limit_mib_s=0.4)"
    made.inventory.write_text(text.replace("packages=_packages)", bound))
    return made


def _partial(host: LabHost) -> int:
    """Return how much of the large file a host has."""
    weights = Path(host.disk.root) / "srv/metalserve/weights/of-depot"
    return sum(path.stat().st_size for path in weights.glob(f"*/{LARGE}.partial"))


def test_cut_in_the_middle(depot: LabHost, wanting: Site) -> None:
    host, before = wanting.hosts[0], sent(depot)
    with wanting.start("main", "--limit", host.name) as run:
        assert comes(lambda: _partial(host) > SIZE // 8)
        depot.cut()
        had = _partial(host)
        # Longer than ssh waits for an answer: rsync is started again, and appends what is missing.
        time.sleep(24)
        depot.mend()
        said = "".join(run.communicate(timeout=AT_MOST_S))
    assert run.returncode == 0, said
    assert f"bringing from rsync models@{depot.address}:/canary: " in said
    assert had < SIZE
    assert wanting.answers(host)
    journal = host.run("journalctl -o cat --no-pager -u 'metalserve-job-weights-of-depot*'").stdout
    waits = [line.partition(": ")[2] for line in journal.splitlines() if "waiting" in line]
    assert waits[0].startswith("rsync: connection unexpectedly closed ("), waits
    assert waits[0].endswith(" [receiver], waiting 1 s")
    twice = sent(depot) - before - canary.WEIGHTS.size
    assert twice < SIZE // 3


def test_key_is_nowhere(wanting: Site, keys: Path) -> None:
    host = wanting.hosts[0]
    secret = (keys / "key").read_text().splitlines()[2]
    (Path(host.disk.root) / "root/pattern").write_text(secret)
    folders = "/opt/metalserve/releases /var/lib/metalserve /etc /run /tmp /srv /var/log"
    assert host.run(f"grep -rlaF -f /root/pattern {folders}").stdout == ""
    assert secret not in host.run("journalctl --no-pager -o export; ps axeww").stdout


def _fetch(on: LabHost, key: Path, **source: str) -> str:
    """Have a host fetch one file without pyinfra; return what came of it."""
    job = Path(on.disk.root) / "root/job"
    job.mkdir(exist_ok=True)
    file = {"path": LARGE, "size": SIZE, "sha256": "0" * 64}
    plan: dict[str, Any] = {
        "name": "of-depot", "phase": "weights-x", "digest": "x", "folder": "/root/brought",
        "sources": [{"name": "the depot", "port": "22", **source}], "files": [file],
        "limit_mib_s": None, "proxy": None,
    }  # fmt: skip
    (job / "plan.json").write_text(json.dumps(plan))
    (job / "tokens.json").write_text(json.dumps({"0": {"key": key.read_text()}}))
    on.run("python3 /opt/metalserve/hostside/fetch.py /root/job")
    return str(json.loads((job / "result.json").read_text())["summary"])


def test_what_the_depot_refuses(depot: LabHost, wanting: Site, keys: Path, lab: Lab) -> None:
    """By the words of the real programs."""
    host, address = wanting.hosts[0], depot.address
    right = {
        "host": address, "user": "models", "path": "/canary",
        "host_key": depot.disk.public_key(),
    }  # fmt: skip
    known = keys / "key"
    where = f"models@{address}:/canary/{LARGE}"
    assert f"the depot: {where} has sha256 " in _fetch(host, known, **right)
    other = {**right, "host_key": (keys / "other.pub").read_text().rsplit(" ", 1)[0]}
    assert "the depot: shows another host key than the pinned one" in _fetch(host, known, **other)
    said = _fetch(host, keys / "other", **right)
    assert "the depot: does not let models in (Permission denied (publickey" in said
    gone = {**right, "path": "/canary/none"}
    assert f"{LARGE} is not there" in _fetch(host, known, **gone)
    unbound = {**right, "user": "root", "path": "/srv/models/canary"}
    gone = {**unbound, "path": "/srv/models/none"}
    assert f"root@{address}:/srv/models/none/{LARGE} is not there" in _fetch(
        host, lab.hosts[0].key, **gone
    )

    large = Path(depot.disk.root) / f"srv/models/canary/{LARGE}"
    large.write_bytes(large.read_bytes()[:-1])
    assert f"{where} has {SIZE - 1} bytes, the manifest says {SIZE}" in _fetch(host, known, **right)
    large.chmod(0o600)
    assert f"{where} cannot be read there by models" in _fetch(host, known, **right)
    large.unlink()
    large.symlink_to("config.json")
    assert f"{where} is no plain file" in _fetch(host, known, **right)
    depot.run("mv /usr/bin/rsync /usr/bin/rsync.kept")
    try:
        assert "the depot: has no rsync (rsync: command not found)" in _fetch(
            host, lab.hosts[0].key, **unbound
        )
    finally:
        depot.run("mv /usr/bin/rsync.kept /usr/bin/rsync")
