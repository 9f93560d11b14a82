"""A model is compressed by the vendor's tool, a stand-in here, whole or not at all."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from pathlib import Path
from typing import Any

import compress
import durable
import environment
import jobs
import npu_smi
import places
import progress
import pytest
import receipts
import verify

from tests.roles.hostside.models import shard
from tests.roles.hostside.test_idle import duo

PAYLOAD = Path(__file__).parents[2] / "standins/ascend/payload"
WORDS = ["-m", "torch.distributed.run", "--nproc_per_node", "2", "-m",
         "examples.convert.model_slim.sparse_compressor", "--multiprocess_num", "4"]  # fmt: skip
CONFIG = {"quantize": "w8a8s", "text_config": {"dtype": "float16"}, "torch_dtype": "float16"}
COPIED = ["chat_template.json", "preprocessor_config.json", "video_preprocessor_config.json"]


class Site:
    """A host with an Atlas 300I DUO, W8A8S weights and what compresses them."""

    def __init__(self, tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tree = tree
        self.original = tree / "weights/w/aaaaaaaaaaaa"
        self.folder = tree / "weights/w/aaaaaaaaaaaa-bbbbbbbbbbbb"
        self.original.mkdir(parents=True)
        self.put("config.json", json.dumps(CONFIG))
        for name in (*COPIED, "tokenizer_config.json", "tokenizer.json", "vocab.json"):
            self.put(name, json.dumps({"of": name}))
        self.put("quant_model_description_w8a8s.json", '{"model_quant_type": "W8A8S"}')
        (self.original / "model-1.safetensors").write_bytes(shard(20_000))
        self.devices = [duo(0), duo(1), duo(2)]
        monkeypatch.setattr(
            npu_smi, "read", lambda: {"devices": self.devices, "error": {"text": "no chips"}}
        )
        self.standin = tree / "standin"
        self.standin.mkdir()
        chips = [{"logic": n, "name": "310P3", "processes": []} for n in range(3)]
        (self.standin / "npus.json").write_text(json.dumps({"devices": chips}))
        models, home = PAYLOAD / "models", "/usr/local/Ascend"
        self.variables = {
            "ATB_SPEED_HOME_PATH": str(models),
            "PYTHONPATH": f"{models}:{PAYLOAD / 'python'}",
            "PYTHONDONTWRITEBYTECODE": "1",
            "ATB_HOME_PATH": f"{home}/nnal/atb/8.5.1/atb/cxx_abi_0",
            "ASCEND_HOME_PATH": f"{home}/cann-8.5.1",
            "LD_LIBRARY_PATH": f"{home}/nnal/atb/8.5.1/atb/cxx_abi_0/lib:{home}/cann-8.5.1/lib64",
            "STANDIN_ASCEND": str(self.standin),
            "STANDIN_ASCEND_RUNNING": str(self.standin / "processes"),
        }
        self.plan: dict[str, Any] = {
            "name": "qwen3-vl-8b", "phase": "compress-w", "digest": "d1",
            "original": str(self.original), "folder": str(self.folder), "python": sys.executable,
            "environment": str(tree / "stack.environment"), "words": [*WORDS], "world_size": 2,
            "devices": [1, 2], "copied": COPIED, "quantize": "w8a8sc", "needs": 20_000,
        }  # fmt: skip

    def put(self, name: str, text: str) -> None:
        """Write one of the files that are compressed."""
        (self.original / name).write_text(text)

    def capture(self) -> None:
        """Leave the stack's variables."""
        Path(self.plan["environment"]).write_text(environment.text(self.variables))

    def run(self) -> str:
        """Compress once more."""
        self.capture()
        return compress.Compress(self.plan, progress.Progress(str(self.tree))).run()

    def refused(self) -> str:
        """Compress, and return why that was not to be; nothing of it is left."""
        with pytest.raises(jobs.JobError) as caught:
            self.run()
        assert not self.folder.exists()
        assert not self.folder.with_name(self.folder.name + ".new").exists()
        assert receipts.read_all() == {}
        return str(caught.value)


@pytest.fixture
def site(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Site:
    """W8A8S weights to compress."""
    return Site(tree, monkeypatch)


BUILD = """\
mkdir -p build && cd build
command -v cmake || { echo 'build.sh: line 19: cmake: command not found' >&2; exit 0; }
echo "$1" > built && touch compress_excutor && chmod 550 compress_excutor
"""


def _with_source(site: Site, script: str) -> Path:
    """Have a venv whose msModelSlim brings its program as source, as its wheel does."""
    python = site.tree / "venv/bin/python"
    python.parent.mkdir(parents=True)
    python.symlink_to(os.path.realpath(sys.executable))
    site.plan["python"] = str(python)
    within = "lib/python3.11/site-packages/msmodelslim/pytorch/weight_compression/compress_graph"
    folder = site.tree / "venv" / within
    folder.mkdir(parents=True)
    (folder / "build.sh").write_text(script)
    return folder / "build"


def test_its_program_is_built_once(site: Site) -> None:
    tools = site.tree / "tools"
    tools.mkdir()
    (tools / "cmake").symlink_to("/bin/true")
    site.variables["PATH"] = f"{tools}:/usr/bin:/bin"
    built = _with_source(site, BUILD)
    site.run()
    assert (built / "built").read_text() == "/usr/local/Ascend/cann-8.5.1\n"
    (built / "built").unlink()
    shutil.rmtree(site.folder)
    site.run()
    assert not (built / "built").exists()


def test_its_program_is_not_built(site: Site) -> None:
    """The vendor's script says so and ends well."""
    site.variables["PATH"] = "/usr/bin:/bin"
    built = _with_source(site, BUILD.replace("command -v cmake", "command -v no-cmake"))
    script = built.with_name("build.sh")
    assert site.refused() == (
        f"{script} did not build compress_excutor; cmake, make and g++ have to be there\n"
        "its last lines were:\nbuild.sh: line 19: cmake: command not found"
    )


def test_compressed(site: Site) -> None:
    before = {path.name: path.read_bytes() for path in site.original.iterdir()}
    said = site.run()
    assert said.startswith("qwen3-vl-8b: compressed to ")
    assert " for 2 chips in " in said
    names = {str(path.relative_to(site.folder)) for path in site.folder.rglob("*")}
    parts = {f"part{rank}-of-2" for rank in (0, 1)}
    within = ("quant_model_description.json", "quant_model_weight_w8a8sc-0.safetensors")
    assert names == {
        *parts, *(f"{part}/{name}" for part in parts for name in within), *COPIED,
        "config.json", "tokenizer_config.json", "tokenizer.json",
    }  # fmt: skip
    config = json.loads((site.folder / "config.json").read_text())
    assert config == CONFIG | {"quantize": "w8a8sc"}
    assert {path.stat().st_mode & 0o777 for path in site.folder.rglob("*.json")} == {0o644}
    assert (site.folder / "part1-of-2").stat().st_mode & 0o777 == 0o755
    assert before == {path.name: path.read_bytes() for path in site.original.iterdir()}


def test_receipt_knows_every_file(site: Site) -> None:
    site.run()
    files = receipts.files("compress-w")
    assert {file["path"] for file in files} == {
        str(path.relative_to(site.folder)) for path in site.folder.rglob("*") if path.is_file()
    }
    for file in files:
        content = (site.folder / file["path"]).read_bytes()
        assert file["size"] == len(content)
        assert file["sha256"] == hashlib.sha256(content).hexdigest()
    assert receipts.read_all()["compress-w"] == {"digest": "d1", "drift": []}


def test_verified_and_made_again(site: Site) -> None:
    site.run()
    plan = {"name": "the weights", "folders": [
        {"name": "w", "folder": str(site.folder), "phase": "compress-w", "kept": "compress-w"}
    ]}  # fmt: skip
    say = progress.Progress(str(site.tree))
    assert verify.Verify(plan, say).run().startswith("10 files in 1 folder are as pinned")
    damaged = site.folder / "part1-of-2/quant_model_weight_w8a8sc-0.safetensors"
    damaged.write_bytes(damaged.read_bytes()[:-1] + b"\0")
    with pytest.raises(verify.VerifyError) as caught:
        verify.Verify(plan, say).run()
    assert f"1 file is wrong:\n{damaged}: found sha256" in str(caught.value)
    with pytest.raises(verify.VerifyError, match="found no receipt of compress-w"):
        verify.Verify(plan, say).run()
    site.run()
    assert verify.Verify(plan, say).run().startswith("10 files in 1 folder are as pinned")


def test_idle_chips_are_taken(site: Site) -> None:
    site.capture()
    seen = compress.Compress(site.plan, progress.Progress(str(site.tree)))
    assert seen.variables()["ASCEND_RT_VISIBLE_DEVICES"] == "1,2"
    site.devices[0]["health"] = site.devices[1]["health"] = "Alarm"
    assert site.refused().startswith("it takes 2 idle chips of an Atlas 300I DUO and 1 of 3 are")


REFUSED: dict[str, tuple[Any, str]] = {
    "bfloat16": (
        lambda site: site.put("config.json", json.dumps(CONFIG | {"text_config": {}})),
        "\ncause: the device does not compute in bfloat16 (Atlas 300I DUO)",
    ),
    "not w8a8s": (
        lambda site: site.put("config.json", json.dumps(CONFIG | {"quantize": "w8a8"})),
        "linear type not matched, quantize is w8a8",
    ),
    "no description": (
        lambda site: (site.original / "quant_model_description_w8a8s.json").unlink(),
        "No such file or directory: '",
    ),
    "an argument that it does not know": (
        lambda site: site.plan["words"].append("--tensor_parallel"),
        "\ncause: the pinned engine does not know this flag",
    ),
    "without ATB": (
        lambda site: site.variables.pop("ATB_HOME_PATH"),
        "ImportError: libatb.so: cannot open shared object file",
    ),
    "more ranks than the plan": (
        lambda site: site.plan.update(words=[w.replace("2", "1") for w in WORDS]),
        "there are part0-of-1, wanted part0-of-2, part1-of-2",
    ),
    "a file that it does not carry over": (
        lambda site: (site.original / "chat_template.json").unlink(),
        "chat_template.json is not there, and the model is not served without it",
    ),
    "no tokenizer": (
        lambda site: (site.original / "tokenizer_config.json").unlink(),
        "the compressor left no whole model:\ntokenizer_config.json is missing",
    ),
    "no models": (
        lambda site: site.variables.pop("ATB_SPEED_HOME_PATH"),
        "does not set ATB_SPEED_HOME_PATH, so there are no ATB models",
    ),
    "no stack": (
        lambda site: site.plan.update(python="/opt/metalserve/stacks/x/venv/bin/python"),
        "/opt/metalserve/stacks/x/venv/bin/python is not there; run deploy/prepare.py and stage.py",
    ),
}


@pytest.mark.parametrize(("spoil", "told"), REFUSED.values(), ids=REFUSED)
def test_refused(site: Site, spoil: Any, told: str) -> None:
    spoil(site)
    assert told in site.refused()


def test_disk_too_small(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is judged before the first byte."""
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage(0, 0, 39_000))
    assert site.refused() == (
        f"it may take 39 KiB on the disk of {site.folder}, which has 38 KiB free; free some"
    )


def test_too_slow(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    site.variables["STANDIN_SLOW_S"] = "60"
    monkeypatch.setattr(compress, "_WITHIN_S", 0.3)
    assert site.refused().startswith("the compressor did not end within ")


def test_killed_in_the_middle(site: Site, installed: Path) -> None:
    """What is left has no name that counts, and the next run does it again."""
    site.variables["STANDIN_SLOW_S"] = "60"
    site.capture()
    durable.write_json(str(site.tree / "job/plan.json"), site.plan)
    (installed / "npu_smi.py").write_text(
        f"def read():\n    return {{'devices': {site.devices!r}, 'error': None}}\n"
    )
    words = [sys.executable, str(installed / "compress.py"), str(site.tree / "job")]
    process = subprocess.Popen(words, stdout=subprocess.DEVNULL, start_new_session=True)
    beside = site.folder.with_name(site.folder.name + ".new")
    deadline = time.monotonic() + 600
    while not [*beside.glob("part*/*.safetensors")] and time.monotonic() < deadline:
        time.sleep(0.02)
    tools = [json.loads(p.read_text())["pid"] for p in (site.standin / "processes").iterdir()]
    # Systemd kills what a job has started with it.
    for pid in (process.pid, *(os.getpgid(pid) for pid in tools[:1])):
        os.killpg(pid, 9)
    process.wait()
    assert beside.exists()
    assert not site.folder.exists()
    assert not Path(places.receipts(), "compress-w.json").exists()
    site.variables["STANDIN_SLOW_S"] = "0"
    site.run()
    assert site.folder.exists()
    assert not beside.exists()


def test_changed_by_hand(site: Site) -> None:
    site.run()
    (site.folder / "config.json").write_text("{}")
    (site.folder / "added").touch()
    assert receipts.read_all()["compress-w"]["drift"]
    site.run()
    assert not (site.folder / "added").exists()
    assert sorted(path.name for path in site.folder.parent.iterdir()) == [
        site.original.name, site.folder.name,
    ]  # fmt: skip
