"""An instance is measured: what the tool is given, what comes of it, and what is left behind."""

import base64
import errno
import json
import os
import shutil
import sys
from pathlib import Path
from typing import Any

import aisbench
import aisbench_dataset
import aisbench_run
import places
import progress
import pytest
import space

from tests.roles.hostside.staged import SUM, Host

SAMPLES = Path(__file__).with_name("samples") / "aisbench"
KEY = "sesame"
PNG = "data:image/png;base64," + base64.b64encode(b"\x89PNG red").decode()
COLOUR = SUM | {"name": "colour", "kind": "image", "expect": "red", "media": PNG}
# Takes what systemd takes, keeps it, and runs the tool.
_RUN = """\
#!{python} -SE
import json, subprocess, sys
words = sys.argv[1:]
open({kept!r}, "w").write(json.dumps(words))
at = next(n for n, word in enumerate(words) if word.endswith("/ais_bench"))
here = next(w.partition("WorkingDirectory=")[2] for w in words if "WorkingDirectory=" in w)
sys.exit(subprocess.run(words[at:], cwd=here).returncode)
"""
# Leaves what the real one left, with a copy of its configuration among it.
_TOOL = """\
#!{python} -SE
import shutil, sys, time
sample, says, code, after_s = {manner!r}
print(says, flush=True)
shutil.copytree("configs", "tmp")
if sample:
    shutil.copytree(sample, "outputs")
    import glob
    for folder in glob.glob("outputs/*"):
        shutil.copytree("configs", folder + "/configs")
time.sleep(after_s)
sys.exit(code)
"""
_SHIPPED = {
    "models/vllm_api/vllm_api_general_chat": "models = [{}]",
    "models/vllm_api/vllm_api_stream_chat": "models = [{}]",
    "datasets/textvqa/textvqa_gen_base64": "textvqa_datasets = [{}]",
    "datasets/mm_custom/mm_custom_gen": "mm_custom_datasets = [{}]",
}


class Bench:
    """A host whose instance serves, with a tool that does as it is told."""

    def __init__(self, host: Host, tree: Path) -> None:
        self.host, self.tree, self.tool = host, tree, tree / "tool"
        Path(places.checks("chat"), "old.json").write_text(json.dumps([SUM, COLOUR]))
        configs = self.tool / "venv/lib/python3.11/site-packages/ais_bench/benchmark/configs"
        for name, text in _SHIPPED.items():
            (configs / name).parent.mkdir(parents=True, exist_ok=True)
            (configs / name).with_suffix(".py").write_text(text)
        self._program(tree / "bin/systemd-run", _RUN.format(python=sys.executable, kept=self.kept))

    @property
    def kept(self) -> str:
        """What the tool was run with."""
        return f"{self.tree}/kept.json"

    def manner(self, sample: str, *, says: str = "", code: int = 0, after_s: float = 0) -> None:
        """Say what the tool does."""
        manner = (str(SAMPLES / sample) if sample else "", says, code, after_s)
        text = _TOOL.format(python=sys.executable, manner=manner)
        self._program(self.tool / "venv/bin/ais_bench", text)

    def run(self, kind: str = "accuracy", **plan: Any) -> str:
        """Measure, and return the line that comes of it."""
        right = {
            "name": f"{kind}-chat", "instance": "chat", "kind": kind, "tool": str(self.tool),
            "dataset": None, "media": "base64", "groups": ["metalserve"], "requests": 10,
            "at_once": 2, "max_tokens": 16, "within_s": 30,
        }  # fmt: skip
        (self.tree / "job").mkdir(exist_ok=True)
        say = progress.Progress(str(self.tree / "job"))
        return aisbench.Benchmark(right | plan, say).run()

    def refusal(self, kind: str = "accuracy", **plan: Any) -> str:
        """Return why nothing was measured."""
        with pytest.raises(aisbench.BenchmarkError) as caught:
            self.run(kind, **plan)
        return str(caught.value)

    def _program(self, path: Path, text: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)


@pytest.fixture
def bench(host: Host, tree: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    """A host whose instance serves."""
    host.serving("old")
    made = Bench(host, tree)
    monkeypatch.setenv("PATH", f"{tree}/bin:{os.environ['PATH']}")
    monkeypatch.setattr(shutil, "chown", lambda *_: None)
    monkeypatch.setattr(aisbench_run, "_EVERY_S", 0.02)
    return made


def _folder(kind: str = "accuracy") -> str:
    return f"{places.STATE}/benchmarks/chat/{kind}"


def test_accuracy(bench: Bench) -> None:
    bench.manner("accuracy")
    line = bench.run()
    assert line.startswith("accuracy 100.00 of 100, 10 of 1 questions answered, in ")
    assert line.endswith(f" s; its files are in {_folder()}")
    report = json.loads(Path(_folder() + ".json").read_text())
    assert report.pop("at").endswith("Z")
    assert report == {
        "kind": "accuracy", "release": "old", "dataset": "chat's own questions", "of": 1,
        "accuracy": 100.0, "questions": 10, "failed": 0, "why": "",
    }  # fmt: skip


def test_performance(bench: Bench, capsys: pytest.CaptureFixture[str]) -> None:
    bench.manner("performance")
    assert bench.run("performance").startswith(
        "266.9 tokens/s at 2 at once, first token after 45 ms on average, 0 of 10 requests "
        "failed, in "
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["aisbench.py", "chat", "performance"])
        aisbench.main()
    report = json.loads(capsys.readouterr().out)
    assert (report["of"], report["tokens_per_s"]) == (10, 266.8551)


def test_who_runs_the_tool(bench: Bench) -> None:
    """The instance's user, in a folder of its own, no longer than the job; no key in its words."""
    bench.manner("accuracy")
    bench.run(within_s=600)
    words = json.loads(Path(bench.kept).read_text())
    assert words[:6] == [
        "--quiet", "--wait", "--pipe", "--collect", "--unit", "metalserve-accuracy-chat.service",
    ]  # fmt: skip
    assert {
        "User=metalserve-chat",
        "Group=metalserve-chat",
        "SupplementaryGroups=metalserve",
        f"WorkingDirectory={_folder()}",
        f"ReadWritePaths={_folder()}",
        "BindsTo=metalserve-job-accuracy-chat.service",
        "RuntimeMaxSec=660",
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "UMask=0077",
        f"Environment=PYTHONPATH={_folder()}/absent",
        "Environment=HF_HUB_OFFLINE=1",
        "Environment=NO_PROXY=*",
    } <= {word.removeprefix("--property=") for word in words}
    assert words[-11:] == [
        f"{bench.tool}/venv/bin/ais_bench", "--mode", "all", "--models", "vllm_api_general_chat",
        "--datasets", "textvqa_gen_base64", "--config-dir", "configs", "--work-dir", "outputs",
    ]  # fmt: skip
    assert KEY not in " ".join(words)


@pytest.mark.parametrize(("sample", "code"), [("accuracy", 0), ("refused", 0), ("", 1)])
def test_key_is_left_nowhere(bench: Bench, sample: str, code: int) -> None:
    """It was in the configuration, which the tool copied twice."""
    bench.manner(sample, code=code)
    if sample == "accuracy":
        bench.run()
    else:
        bench.refusal()
    left = [path for path in Path(_folder()).rglob("*") if path.is_file()]
    assert f"{_folder()}/aisbench.log" in map(str, left)
    assert [path for path in left if KEY in path.read_text(errors="replace")] == []
    assert Path(_folder()).stat().st_mode & 0o077 == 0


def test_configuration_is_for_the_instance_alone(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(aisbench.Benchmark, "cleared", lambda _: None)
    bench.manner("accuracy")
    bench.run()
    (model,) = Path(_folder()).glob("configs/models/*.py")
    assert f"'api_key': '{KEY}'" in model.read_text()
    assert model.stat().st_mode & 0o777 == 0o600


def test_key_that_is_refused_halfway(bench: Bench) -> None:
    """The tool ends with 0 and a summary of dashes."""
    bench.manner("refused")
    assert bench.refusal() == (
        "10 requests failed, the first because of: Unauthorized; see "
        f"{_folder()}/aisbench.log and the logs beside it"
    )


def test_tool_that_crashes(bench: Bench) -> None:
    bench.manner("", code=3)
    assert bench.refusal() == (
        f"AISBench crashed; see {_folder()}/aisbench.log and the logs beside it"
    )


def test_tool_that_waits_for_a_task_that_crashed(bench: Bench) -> None:
    """The real one would wait for ever."""
    said = "[ERROR] OpenICLApiInfervllm-api-general-chat/textvqa failed with code 1, see x.out"
    bench.manner("", says=said, after_s=5)
    assert bench.refusal().startswith("AISBench crashed; see ")
    assert "systemctl stop metalserve-accuracy-chat.service" in bench.host.systemd.calls


def test_tool_that_left_nothing(bench: Bench) -> None:
    bench.manner("")
    assert bench.refusal().startswith("it left 0 files results/*/*.json, one is right; see ")


def test_tool_that_takes_too_long(bench: Bench) -> None:
    bench.manner("", after_s=5)
    assert bench.refusal(within_s=0) == "it did not end within 0 s, 0 of 1 were asked"


def test_server_that_is_not_there(bench: Bench) -> None:
    bench.host.systemd.power_off()
    assert bench.refusal() == (
        f"chat at 127.0.0.1:{bench.host.port} does not answer: [Errno 111] Connection refused"
    )


def test_wrong_key(bench: Bench) -> None:
    Path(places.instance("chat"), "secrets/api-key").chmod(0o600)
    Path(places.instance("chat"), "secrets/api-key").write_text("another")
    assert bench.refusal().startswith(f"chat at 127.0.0.1:{bench.host.port} answers 401: ")


def test_instance_without_a_release(bench: Bench) -> None:
    assert bench.refusal(instance="idle") == "idle has no release"


def test_nothing_to_ask(bench: Bench) -> None:
    Path(places.checks("chat"), "old.json").write_text(json.dumps([SUM]))
    assert bench.refusal().startswith("it is asked nothing about an image ")


def test_data_set_that_is_not_there(bench: Bench) -> None:
    assert bench.refusal(dataset="/nowhere") == (
        "/nowhere: has no textvqa_val.jsonl or textvqa_json/textvqa_val.jsonl"
    )


def test_image_that_mindie_would_refuse(bench: Bench, tree: Path) -> None:
    """4 MiB of text are 3 MiB of an image; one that is sent by its path may be longer."""
    about = Path(places.instance("chat"), "current/release.json")
    about.chmod(0o644)
    about.write_text(json.dumps(json.loads(about.read_text()) | {"engine": "mindie"}))
    (tree / "set").mkdir()
    (tree / "set/large.png").write_bytes(bytes(4 << 20))
    row = {"type": "image", "path": ["large.png"], "question": "what?"}
    (tree / "set/mm_custom.jsonl").write_text(json.dumps(row) + "\n")
    assert bench.refusal("performance", dataset=f"{tree}/set") == (
        f"{tree}/set/large.png is longer than the 4 MiB that MindIE takes of a request in base64, "
        "give a smaller image"
    )
    bench.manner("performance")
    assert bench.run("performance", dataset=f"{tree}/set", media="path").startswith("266.9 ")


def test_own_question_that_mindie_would_refuse(bench: Bench) -> None:
    """It is left out, and told; what is asked by another way in as well is asked once."""
    about = Path(places.instance("chat"), "current/release.json")
    about.chmod(0o644)
    about.write_text(json.dumps(json.loads(about.read_text()) | {"engine": "mindie"}))
    asked = Path(places.checks("chat"), "old.json")
    (question,) = [one for one in json.loads(asked.read_text()) if one["kind"] == "image"]
    large = question | {"media": "data:image/png;base64," + "A" * (4 << 20)}
    asked.write_text(json.dumps([question, question | {"by": "generate"}, large]))
    bench.manner("accuracy")
    bench.run()
    report = json.loads(Path(_folder() + ".json").read_text())
    told = "chat's own questions, without 1 too large to send"
    assert (report["of"], report["dataset"]) == (1, told)


def test_disk_that_is_full(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(space, "lacking", lambda *_: "it takes 1.0 GiB, …; free some")
    assert bench.refusal() == "it takes 1.0 GiB, …; free some"


def test_disk_that_fills_up(
    bench: Bench, tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The job says so itself, and in what state the host is."""

    def full(*_: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(aisbench_dataset, "made", full)
    plan = {
        "name": "accuracy-chat", "instance": "chat", "kind": "accuracy", "tool": str(bench.tool),
        "dataset": None, "requests": 1,
    }  # fmt: skip
    (tree / "job").mkdir()
    (tree / "job/plan.json").write_text(json.dumps(plan))
    monkeypatch.setattr(sys, "argv", ["aisbench.py", str(tree / "job")])
    aisbench.main()
    said = (
        "accuracy-chat measured nothing, and what serves was left as it is: "
        "[Errno 28] No space left on device"
    )
    assert capsys.readouterr().out.strip() == said
    assert json.loads((tree / "job/result.json").read_text()) == {"ok": False, "summary": said}


def test_how_far_it_is(bench: Bench, tree: Path) -> None:
    """What the task says of itself, the last of it."""
    status = Path(_folder(), "outputs/20261126_184154/status_tmp/tmp_vllm_textvqa.json")
    status.parent.mkdir(parents=True)
    states = [{"status": "warmup"}, {"status": "inferencing", "finish_count": 7}]
    status.write_text(json.dumps(states))
    (tree / "job").mkdir()
    say = progress.Progress(str(tree / "job"))
    assert aisbench_run.watched(_folder(), 10, say) == 7
    assert json.loads((tree / "job/progress.json").read_text())["stage"] == "asking: 7 of 10"
