"""The real engine on a lab host: it serves, is upgraded and rolled back, and bad releases end."""

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from canary import quantize
from roles.engine.parser import dump
from roles.lab import Lab, LabHost
from roles.spec import parser
from roles.weights import manifest
from tests.lab import fixtures
from tests.lab.site import KEY, Site, current, transaction
from tests.lab.waiting import AT_MOST_S, comes

pytestmark = [pytest.mark.lab, pytest.mark.engine]

UNIT = "metalserve-vllm@chat.service"
ALL_RIGHT = "28 of 28 answers right"
WRONG = "'--hf-overrides', '{\"text_config\": {\"rms_norm_eps\": 1.0}}'"
FOUR_BITS = """Weights(
    name="canary-w4a16", files=manifest(Path({folder!r}).with_suffix(".sha256")),
    sources=(Folder(path=Path({folder!r})),),
    takes=canary.WEIGHTS.takes, checks=canary.WEIGHTS.checks,
)"""


@pytest.fixture(scope="module")
def site(lab: Lab, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A site whose first host serves with the real engine, upgraded from an older one."""
    lab.up(2)
    for host in lab.hosts:
        fixtures.strip(host)
    made = Site(
        hosts=lab.hosts,
        folder=tmp_path_factory.mktemp("site"),
        imports="from inventories.stacks import vllm_0_27_cpu, vllm_0_32_cpu",
        stack="vllm_0_32_cpu.STACK",
        packages=f"Packages(proxy={lab.proxy.url!r})",
        ready_within_s=300,
        options={"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
        words=("--distributed-executor-backend", "uni", "--skip-mm-profiling"),
    )
    for wanted in ("_instance(stack=vllm_0_27_cpu.STACK)", "_instance()"):
        made.want(f"({wanted},)")
        done = made.run("main", within_s=900)
        assert done.code == 0, done.said
        assert ALL_RIGHT in done.said
    yield made
    lab.hosts[0].run("systemctl stop 'metalserve-vllm@*'")


@pytest.fixture(scope="module")
def four_bits(site: Site) -> str:
    """The canary as seed 000's model is: Python of weights that llm-compressor might have made."""
    folder = site.folder / "canary-w4a16"
    quantize.model(folder)
    folder.with_suffix(".sha256").write_text("\n".join(manifest.lines(folder)))
    return FOUR_BITS.format(folder=str(folder))


def timed(site: Site, deploy: str, measured: list[str], what: str) -> None:
    """Run a deploy and note how long it took to the last right answer."""
    began = time.monotonic()
    done = site.run(deploy, "--limit", site.hosts[0].name, within_s=600)
    took = time.monotonic() - began
    assert done.code == 0, done.said
    told = re.findall(r"answers right, after ([\d.]+) s", done.said)
    measured.append(f"{what}: {took:.1f} s in all, {told[-1]} s of them on the host")


def test_every_kind_of_question(site: Site) -> None:
    report = site.asked(site.hosts[0])
    assert len(report) >= 19
    assert {answer["kind"] for answer in report} == {"text", "stream", "image", "video", "error"}
    assert [answer for answer in report if not answer["passed"]] == []


def test_exposure_while_serving(site: Site, measured: list[str]) -> None:
    said = site.hosts[0].run(f"systemd-analyze security {UNIT} --no-pager")
    level = float(re.findall(r"exposure level for .*: ([\d.]+)", said.stdout)[0])
    measured.append(f"exposure of {UNIT}: {level}")
    assert level <= 3.0, said.stdout


def test_secret_is_not_told_by_the_engine(site: Site) -> None:
    host = site.hosts[0]
    assert KEY not in host.run("journalctl --no-pager -o export; ps -eo args").stdout
    (Path(host.disk.root) / "root/pattern").write_text(KEY)
    places = "/var/cache/metalserve /tmp /var/log /dev/shm /run/systemd"
    assert host.run(f"grep -rlsF -f - {places} < /root/pattern").stdout == ""


def test_second_run_changes_nothing(site: Site) -> None:
    since = started(site.hosts[0])
    done = site.run("main")
    assert done.code == 0, done.said
    assert [done for done in done.report["results"]["operations"] if done["success"]] == []
    assert started(site.hosts[0]) == since


def test_table_is_that_of_the_real_parser(site: Site) -> None:
    """What is made of a wheel, nothing of it installed, is what the installed engine says."""
    host = site.hosts[0]
    script = Path(dump.__file__).read_bytes()
    (Path(host.disk.root) / "root/dump.py").write_bytes(script)
    python = "/opt/metalserve/instances/chat/current/stack/venv/bin/python"
    said = host.run(f"{python} /root/dump.py vllm", timeout_s=300)
    assert said.returncode == 0, said.stderr
    real = json.loads(said.stdout.splitlines()[-1])
    table = json.loads((parser.TABLES / "vllm-0.32.0.json").read_text())
    assert {key: table[key] for key in real} == real


def test_measured_with_aisbench(site: Site, measured: list[str]) -> None:
    """The canary's image questions are answered right, whoever asks."""
    host = site.hosts[0]
    before = started(host)
    bench = "Benchmark(requests=12, at_once=2, max_tokens=16, accuracy_at_least=100)"
    site.want(f"(_instance(benchmark={bench}),)")
    for deploy in ("accuracy", "performance"):
        done = site.run(deploy, "--limit", host.name, within_s=600)
        assert done.code == 0, done.said
        told = host.run(f"python3 /opt/metalserve/hostside/aisbench.py chat {deploy}").stdout
        report = json.loads(told)
        assert (report["failed"], report["release"]) == (0, current(host))
        measured += [line for line in done.said.splitlines() if "its files are in" in line]
    assert report["measures"]["output_tokens"]["min"] == 16
    assert 0 < report["measures"]["per_token_ms"]["p99"] < 10_000
    assert started(host) == before


def test_offline_video(site: Site, measured: list[str]) -> None:
    """The engine answers without its server too, and never beside it."""
    host = site.hosts[0]
    asked = ("check", "--limit", host.name, "--data", "offline=video")
    beside = site.run(*asked)
    assert beside.code == 1
    assert "chat serves, and two engines have no room on its devices" in beside.said
    host.run(f"systemctl stop {UNIT}")
    began = time.monotonic()
    try:
        done = site.run(*asked, within_s=600)
    finally:
        host.run(f"systemctl start {UNIT}", timeout_s=300)
    measured.append(f"offline video: {time.monotonic() - began:.1f} s, the next start in it")
    assert done.code == 0, done.said
    assert "WRONG" not in done.said
    assert site.answers(host)


def test_metrics_of_the_real_engine(site: Site) -> None:
    host = site.hosts[0]
    assert site.answers(host)
    told = json.loads(host.run("python3 /opt/metalserve/hostside/metrics.py chat").stdout)
    assert (told["running"], told["waiting"], told["preemptions"]) == (0, 0, 0)
    assert told["finished"]["stop"] >= 27
    assert 0 < told["first_token_s"] < 60
    assert 0 < told["between_tokens_s"] < 60


def test_rollback_to_the_older_version_and_back(site: Site, measured: list[str]) -> None:
    host = site.hosts[0]
    newer = current(host)
    timed(site, "rollback", measured, "rollback from vLLM 0.32 to 0.27")
    assert current(host).startswith("vllm-0.27-cpu-")
    assert version(host) == "0.27.1"
    assert site.answers(host)
    timed(site, "rollback", measured, "rollback of the rollback")
    assert current(host) == newer
    assert version(host) == "0.32.0"
    assert site.answers(host)


def test_release_that_cannot_start(site: Site) -> None:
    failed = refused(site, extra("""'--hf-overrides', '{"architectures": ["Nobody"]}'"""))
    assert "did not become ready" in failed
    assert "cause: this vLLM does not know the model's architecture" in failed
    assert "architectures ['Nobody'] are not supported" in failed


def test_release_that_answers_wrong(site: Site) -> None:
    failed = refused(site, extra(WRONG))
    assert "answers wrong" in failed
    assert "expected '" in failed


def test_release_of_four_bits_in_a_type_without_kernels(site: Site, four_bits: str) -> None:
    failed = refused(site, f"_instance(weights={four_bits}, dtype='float32')")
    assert "did not become ready" in failed
    assert "cause: weights of four bits are not computed in float32 on a CPU" in failed


def test_model_of_four_bits(site: Site, four_bits: str, measured: list[str]) -> None:
    """A shard that is cut short after it was verified; the next run mends it, and it serves."""
    host = site.hosts[0]
    wanted = f"_instance(weights={four_bits}, dtype='bfloat16')"
    site.want(f"({wanted},)")
    staged = site.run("stage", "--limit", host.name)
    assert staged.code == 0, staged.said
    shard = "/srv/metalserve/weights/canary-w4a16/*/model.safetensors"
    assert host.run(f"truncate --size=-1000 {shard}").returncode == 0
    failed = refused(site, wanted, deploy="activate")
    assert "cause: a weights file is truncated" in failed
    timed(site, "main", measured, "mended, and upgraded to four bits")
    started_last = f"_SYSTEMD_INVOCATION_ID=$(systemctl show -P InvocationID {UNIT})"
    said = host.run(f"journalctl -o cat {started_last}").stdout
    assert "Using CPUWNA16LinearKernel for CompressedTensorsWNA16" in said
    assert site.answers(host)


def test_release_that_hangs(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server's processes stand still while they start, so that it never answers."""
    host = site.hosts[0]
    before, began = current(host), transaction(host)["ended"]
    monkeypatch.setattr(site, "ready_within_s", 45)
    site.want("(_instance(extra=('--seed', '3')),)")
    with site.start("main", "--limit", host.name) as run:
        assert comes(lambda: transaction(host)["began"] > began)
        assert comes(lambda: is_starting(host))
        time.sleep(5)
        host.run(f"systemctl kill --kill-who=main --signal=STOP {UNIT}")
        out, err = run.communicate(timeout=AT_MOST_S)
    assert run.returncode == 1
    assert "not ready: no completion within 45 s" in out + err
    assert f"state: {before} serves again and answers right" in out + err
    assert current(host) == before
    assert site.answers(host)


def refused(site: Site, instance: str, deploy: str = "main") -> str:
    """Deploy a bad release, and see that the one before it serves."""
    host = site.hosts[0]
    before = current(host)
    site.want(f"({instance},)")
    failed = site.run(deploy, "--limit", host.name, within_s=600)
    assert failed.code == 1, failed.said
    assert f"state: {before} serves again and answers right" in failed.said
    assert current(host) == before
    assert site.answers(host)
    marked = host.run("ls /var/lib/metalserve/bad/chat").stdout
    assert f"{transaction(host)['release']}.json" in marked
    return failed.said


def extra(words: str) -> str:
    """Return an instance with further words, as Python."""
    return f"_instance(extra=({words},))"


def version(host: LabHost) -> str:
    """Return the version that the server says it has."""
    return str(json.loads(host.run("curl -s http://127.0.0.1:8000/version").stdout)["version"])


def started(host: LabHost) -> str:
    """Return since when the server's process runs."""
    return host.run(f"systemctl show -P ExecMainStartTimestampMonotonic {UNIT}").stdout.strip()


def is_starting(host: LabHost) -> bool:
    """Say whether the server was started and is not ready yet."""
    shown = host.run(f"systemctl show -p ActiveState -p MainPID {UNIT}").stdout
    return "ActiveState=activating" in shown and "MainPID=0" not in shown
