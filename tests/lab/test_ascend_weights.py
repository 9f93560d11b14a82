"""
W8A8S weights are compressed on a host with Atlas 300I DUO, and become the own of MindIE's user.

Cards, vendor's packages and the compressor are stand-ins; files, owners, modes, users, processes,
jobs and kills are real. MindIE itself is not started.
"""

import hashlib
import json
from pathlib import Path

import pytest

from roles.weights import manifest
from tests.lab.ascend_site import OLD, Site
from tests.lab.site import Run, changes
from tests.lab.waiting import AT_MOST_S, comes
from tests.roles.hostside.models import shard
from tests.standins.ascend import mindie_reads, npu, runfile

pytestmark = pytest.mark.lab

SHAPE = Path(__file__).parents[1] / "roles/preflight/shapes/8b-w8a8s.json"
WEIGHTS = "/srv/metalserve/weights/qwen3-vl-8b-w8a8s"
SERVING = """tuple(Instance(
    name=name, stack=STACK, devices=devices, port=port, compression=Compression.W8A8SC,
    api_key=None,
    options=MindieOptions(world_size=2, npu_mem_size=8),
    weights=Weights(
        name="qwen3-vl-8b-w8a8s", files=manifest(Path({manifest!r})), config=Path({config!r}),
        sources=(HostFolder(path="/srv/w8a8s"),),
        checks=(Check(name="sum", kind="text", prompt="2 + 2 =", expect="4"),),
    ),
) for name, devices, port in {instances!r})"""
CHAT, TALK = ("chat", (0, 1), 1025), ("talk", (2, 3), 1035)


class Weighed:
    """The site, and what of a model lies there."""

    def __init__(self, site: Site) -> None:
        self.site, self.host = site, site.host
        self.words = {"manifest": str(site.folder / "w.sha256"), "config": str(SHAPE)}
        self.model()
        # Users of both, and the group that they share.
        self.wants(CHAT, TALK)
        done = site.run()
        assert done.code == 0, done.said
        self.wants(CHAT)

    def model(self) -> None:
        """Lay out W8A8S weights on the host, and pin them."""
        folder = self.disk("/srv/w8a8s")
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "config.json").write_bytes(SHAPE.read_bytes())
        small = ("chat_template.json", "preprocessor_config.json", "tokenizer.json",
                 "tokenizer_config.json", "video_preprocessor_config.json",
                 "generation_config.json")  # fmt: skip
        for name in small:
            (folder / name).write_text(json.dumps({"of": name, "chat_template": "x"}))
        (folder / "quant_model_description_w8a8s.json").write_text("{}")
        for number in (1, 2):
            name = f"quant_model_weight_w8a8s-0000{number}-of-00002.safetensors"
            (folder / name).write_bytes(shard(4_000_000, number))
        index = {"weight_map": {str(n): p.name for n, p in enumerate(folder.glob("*.safetensors"))}}
        (folder / "quant_model_weight_w8a8s.safetensors.index.json").write_text(json.dumps(index))
        Path(self.words["manifest"]).write_text("\n".join(manifest.lines(folder)))

    def wants(self, *instances: tuple[str, tuple[int, int], int]) -> None:
        """Say who is to serve the weights."""
        self.site.has(OLD, "8.5.1", serving=SERVING.format(**self.words, instances=instances))

    def bring(self) -> Run:
        """Bring and make what is wanted."""
        return self.site.run(deploy="../tests/lab/bring_weights")

    def stack(self) -> None:
        """Have what the compressor imports in the stack's Python, in the place of its packages."""
        name = self.host.run(
            "ls /opt/metalserve/ascend | grep mindie-3.*environment"
        ).stdout.strip()
        venv = f"/opt/metalserve/stacks/{name.removesuffix('.environment')}/venv"
        made = self.host.run(f"python3 -m venv --without-pip {venv} && ls -d {venv}/lib/*/site-*")
        assert made.returncode == 0, made.stderr
        for file, text in runfile.carried("python").items():
            target = self.disk(made.stdout.strip()) / file.removeprefix("python/")
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)

    def disk(self, path: str) -> Path:
        """Return a path of the host as this machine sees it."""
        return Path(self.host.disk.root) / path.lstrip("/")

    def made(self, script: str) -> list[str]:
        """Return the folders that the receipts of a kind of job tell of."""
        receipts = sorted(self.disk("/var/lib/metalserve/receipts").glob(f"{script}-qwen3*.json"))
        paths = [min(json.loads(path.read_text())["paths"], key=len) for path in receipts]
        return [path if script == "own" else str(Path(path).parent) for path in paths]

    def own(self, name: str) -> str:
        """Return the folder that belongs to an instance's user."""
        owned = self.host.run(f"stat -c '%U %n' {' '.join(self.made('own'))}").stdout.splitlines()
        (folder,) = [path for user, path in map(str.split, owned) if user == f"metalserve-{name}"]
        return folder

    def reads(self, folder: str, *properties: str) -> str:
        """Read a folder as MindIE does, in a unit of these properties."""
        self.disk("/srv/mindie_reads.py").write_text(Path(mindie_reads.__file__).read_text())
        words = " ".join(f"-p {one}" for one in (*properties, "ProtectSystem=strict"))
        return self.host.run(
            f"systemd-run --quiet --pipe --wait {words} python3 /srv/mindie_reads.py {folder}"
        ).stdout


@pytest.fixture(scope="module")
def weighed(ascend_site: Site) -> Weighed:
    """A host with CANN, MindIE and its models, and weights to compress on it."""
    ascend_site.has(OLD, "8.5.1")
    done = ascend_site.run()
    assert done.code == 0, done.said
    return Weighed(ascend_site)


def test_nothing_is_compressed_on_chips_that_serve(weighed: Weighed) -> None:
    weighed.stack()
    for npu_id, chip in ((1, 0), (1, 1), (2, 0)):
        npu.occupy(weighed.host, npu_id, chip, pid=1, name="systemd", mib=20_000)
    done = weighed.bring()
    npu.release(weighed.host)
    assert done.code == 1
    assert (
        "it takes 2 idle chips of an Atlas 300I DUO and 1 of 4 are idle "
        "(chip 0: init.scope (pid 1); chip 1: init.scope (pid 1); chip 2: init.scope (pid 1))"
    ) in done.said
    assert weighed.made("compress") == []


def test_killed_in_the_middle_and_done_again(weighed: Weighed) -> None:
    npu.slow_compressor(weighed.host, 30)
    with weighed.site.start("-y", deploy="../tests/lab/bring_weights") as process:
        there = f"ls {WEIGHTS}/*.new/part1-of-2/*.safetensors"
        assert comes(lambda: weighed.host.run(there).returncode == 0)
        weighed.host.run("systemctl kill -s KILL 'metalserve-job-compress-*'")
        said = "".join(process.communicate(timeout=AT_MOST_S))
    assert process.returncode == 1
    assert "ended without a result" in said
    assert weighed.made("compress") == []
    npu.slow_compressor(weighed.host, 0)
    done = weighed.bring()
    assert done.code == 0, done.said
    assert "compressed to 8 MiB for 2 chips" in done.said
    (folder,) = weighed.made("compress")
    assert weighed.host.run(f"ls {WEIGHTS}").stdout.count(".new") == 0
    config = json.loads(weighed.disk(f"{folder}/config.json").read_text())
    assert (config["quantize"], config["text_config"]["dtype"]) == ("w8a8sc", "float16")
    assert weighed.disk(f"{folder}/chat_template.json").is_file()


def test_second_run_changes_nothing(weighed: Weighed) -> None:
    done = weighed.bring()
    assert done.code == 0, done.said
    assert changes(done.report) == []


def test_read_by_processes_of_two_users(weighed: Weighed) -> None:
    """The second instance compresses nothing; MindIE takes each its own folder alone."""
    weighed.wants(CHAT, TALK)
    done = weighed.bring()
    assert done.code == 0, done.said
    assert len(weighed.made("compress")) == 1
    chat, talk = weighed.own("chat"), weighed.own("talk")
    (compressed,) = weighed.made("compress")
    for folder, user, other in ((chat, "chat", talk), (talk, "talk", chat)):
        unit = (f"User=metalserve-{user}", "Group=metalserve")
        assert weighed.reads(folder, *unit) == "read\n"
        assert weighed.reads(other, *unit).startswith("path owner uid mismatch: ")
        assert weighed.reads(compressed, *unit).startswith("path owner uid mismatch: ")
    # In its user's own group MindIE would take the large files for a stranger's.
    said = weighed.reads(chat, "User=metalserve-chat", "Group=metalserve-chat")
    assert said.count("does not have permission") == said.count("safetensors") == 4
    # Other engines read what is pinned as before.
    pinned = weighed.made("weights")[0]
    assert (
        weighed.host.run(f"runuser -u nobody -- sha256sum {pinned}/*.safetensors").returncode == 0
    )
    inodes = weighed.host.run(f"stat -c %i {chat}/*/*.safetensors {talk}/*/*.safetensors").stdout
    assert len(set(inodes.split())) == 4


def test_damage_is_found_and_mended(weighed: Weighed) -> None:
    right = weighed.site.run(deploy="../tests/lab/hash_weights")
    assert right.code == 0, right.said
    (compressed,) = weighed.made("compress")
    shards = sorted(weighed.disk(compressed).glob("part1-of-2/*.safetensors"))
    before = hashlib.sha256(shards[0].read_bytes()).hexdigest()
    weighed.host.run(
        f"printf x | dd of={compressed}/part1-of-2/{shards[0].name} conv=notrunc seek=999"
    )
    done = weighed.site.run(deploy="../tests/lab/hash_weights")
    assert done.code == 1
    # The one file, under its three names.
    assert "3 files are wrong:" in done.said
    assert f"found sha256 {hashlib.sha256(shards[0].read_bytes()).hexdigest()}" in done.said
    assert weighed.bring().code == 0
    assert hashlib.sha256(shards[0].read_bytes()).hexdigest() == before
    assert weighed.site.run(deploy="../tests/lab/hash_weights").code == 0
    for user in ("chat", "talk"):
        unit = (f"User=metalserve-{user}", "Group=metalserve")
        assert weighed.reads(weighed.own(user), *unit) == "read\n"
