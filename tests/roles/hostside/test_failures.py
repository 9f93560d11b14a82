"""Lines of real logs find their cause; lines that every healthy start has find none."""

import re
import subprocess
import sys
from pathlib import Path

import failures
import pytest
from known import HINT, ROOT, WRAPPER, Known

from roles.spec import Engine

REPOSITORY = Path(__file__).parents[3]
SCRIPT = REPOSITORY / "roles/hostside/failures.py"
# As engines, libraries and the kernel print them, shortened where they go on: a block each, by
# the engine that prints it, behind the cause that is to be found.
FOLDER = Path(__file__).parent / "samples/failures"
SAMPLES = [
    (file.stem, *block.removeprefix("== ").split("\n", 1))
    for file in sorted(FOLDER.glob("*.log"))
    for block in file.read_text().strip("\n").split("\n\n")
]
HEALTHY = [
    "INFO 11-05 10:00:00 [gpu_worker.py:298] Available KV cache memory: 18.43 GiB",
    "INFO 11-05 10:00:00 [kv_cache_utils.py:1087] GPU KV cache size: 134,208 tokens",
    "INFO 11-05 10:00:00 [api_server.py:1912] Starting vLLM API server 0 on http://127.0.0.1:8000",
    "INFO 11-05 10:00:00 [core.py:77] Initializing a V1 LLM engine (v0.11.0) with config: "
    "model='/weights', gpu_memory_utilization=0.9, max_model_len=4096",
    "Loading safetensors checkpoint shards: 100% Completed | 4/4 [00:02<00:00,  1.5it/s]",
    "INFO:     Application startup complete.",
]
MEMORY = (
    "ValueError: Free memory on device (10.2/23.64 GiB) on startup is less than desired GPU "
    "memory utilization (0.9, 21.28 GiB)."
)
WRAPPED = "RuntimeError: Engine core initialization failed. See root cause above."
DENIED = "WARNING mkdir -p failed for path /.config: [Errno 13] Permission denied: '/.config'"
PORT = "OSError: [Errno 98] Address already in use"


def known(cause: str, engine: str) -> Known:
    """Return the one row that an engine has for a cause."""
    [found] = [row for row in failures.KNOWN if row.cause == cause and row.concerns(engine)]
    return found


def found(*lines: str, engine: str | None = None) -> failures.Found:
    """Diagnose a log in which something is known."""
    diagnosed = failures.diagnose(list(lines), engine)
    assert diagnosed is not None
    return diagnosed


@pytest.mark.parametrize("row", failures.KNOWN, ids=lambda row: row.says[0])
def test_row_says_what_to_do_and_where_it_is_known_from(row: Known) -> None:
    re.compile(row.pattern)
    assert row.weight in (ROOT, HINT, WRAPPER)
    assert row.source
    assert not set(row.engines) - {*Engine, "ollama"}
    names = ("ATB", "FlashInfer", "MindIE", "MindIE's", "NCCL")
    for text in (row.cause, row.remedy):
        assert text[0].islower() or text.split()[0] in names
        assert not text.endswith(".")
    assert not [text for text in row.says if text.startswith("…") or text.endswith("…")]


def test_every_row_has_a_sample() -> None:
    """None is there that another one hides."""
    reached = [found(*log.split("\n"), engine=engine).known for engine, _, log in SAMPLES]
    assert [row.says[0] for row in failures.KNOWN if row not in reached] == []


@pytest.mark.parametrize(
    ("engine", "cause", "log"), SAMPLES, ids=[f"{s[0]}-{s[1][:40]}" for s in SAMPLES]
)
def test_lines_find_their_cause_among_healthy_ones(engine: str, cause: str, log: str) -> None:
    lines = log.split("\n")
    diagnosed = found(*HEALTHY, *lines, *HEALTHY, engine=engine)
    assert diagnosed.known.cause == cause
    assert diagnosed.known == known(cause, engine)
    told = [line for line in diagnosed.lines if line in lines]
    assert re.search(diagnosed.known.pattern, "\n".join(told), re.IGNORECASE)


def test_no_sample_has_two_causes_but_by_intent() -> None:
    """Of these the first stands before, or is the more particular of one line."""
    twice = {
        (cause, row.cause)
        for engine, cause, log in SAMPLES
        for row in failures.KNOWN
        if row.concerns(engine) and row.weight == known(cause, engine).weight
        if row.cause != cause and re.search(row.pattern, log, re.IGNORECASE)
    }
    shm = "NCCL could not share memory or reach its peers"
    scales = "config.json has scale_dtype and zp_dtype, which compressed-tensors before 0.13 does"
    assert twice == {
        (shm, "a disk is full"),
        ("the server may not lock as much memory as RDMA or pinned buffers need", shm),
        (f"{scales} not know", "config.json holds keys that this engine does not know"),
    }


@pytest.mark.parametrize("line", HEALTHY)
def test_healthy_line_finds_none(line: str) -> None:
    assert failures.diagnose([line]) is None


def test_lines_around_are_told() -> None:
    assert found(*HEALTHY, PORT, *HEALTHY).lines == [HEALTHY[-1], PORT, HEALTHY[0]]
    assert found(PORT).lines == [PORT]


def test_lines_that_belong_together_are_told_together() -> None:
    lines = ["errors", "weights.zp_dtype", "  Extra inputs are not permitted [type=x]", "visit"]
    assert found(*HEALTHY, *lines, *HEALTHY).lines == lines


def test_key_alone_is_no_failure() -> None:
    """It has to be refused, on the next line."""
    assert failures.diagnose(["zp_dtype", *HEALTHY]) is None


def test_earliest_cause_wins_over_what_follows() -> None:
    assert (
        found(*HEALTHY, MEMORY, WRAPPED, PORT).known.cause == "another process holds device memory"
    )
    assert found(PORT, MEMORY).known.cause == "another process has the port"


def test_cause_wins_over_a_wrapper_and_a_hint_before_it() -> None:
    assert found(WRAPPED, DENIED, PORT).known.cause == "another process has the port"


def test_hint_wins_over_a_wrapper_before_it() -> None:
    assert found(WRAPPED, DENIED).known.cause == "the server wrote where its unit does not let it"


def test_colours_do_not_hide_a_cause() -> None:
    """Processes of vLLM are marked by colour, also where nobody sees it."""
    mark = "\x1b[0;36m(EngineCore_DP0 pid=41)\x1b[0;0m "
    lines = [f"{mark}a.scale_dtype\x1b[0m", f"{mark}  Extra inputs are not permitted"]
    assert found(*lines).known.cause.startswith("config.json has scale_dtype")
    assert found(*lines).lines[0] == "(EngineCore_DP0 pid=41) a.scale_dtype"


def test_other_engines_causes_are_not_sought() -> None:
    memory = "torch.OutOfMemoryError: CUDA out of memory."
    assert "session_len" in found(memory, engine="lmdeploy").known.remedy
    assert "max_model_len" in found(memory, engine="vllm").known.remedy
    assert failures.diagnose([memory], "ollama") is None


def test_nothing_is_diagnosed_in_an_empty_log() -> None:
    assert failures.diagnose([]) is None


def test_evidence_of_a_cause() -> None:
    assert failures.evidence([*HEALTHY, PORT]) == [
        "cause: another process has the port",
        "remedy: find it with ss -ltnp, stop it or choose another port",
        "known from: vllm#7514, vllm#9737, vllm#43206; MindIE source",
        f"log: {HEALTHY[-1]}",
        f"log: {PORT}",
    ]


def test_evidence_of_a_wrapper_has_the_last_lines_too() -> None:
    """It is no cause: who reads it has to look further."""
    told = failures.evidence([*HEALTHY, WRAPPED])
    assert told[0] == "cause: a part of the server failed; its own words stand before this line"
    assert told[told.index("its last lines were:") + 1 :] == [*HEALTHY, WRAPPED]


def test_evidence_of_nothing_known_is_the_last_lines() -> None:
    lines = [f"line {number}" for number in range(30)]
    assert failures.evidence([*lines, "", "  "]) == ["its last lines were:", *lines[-12:]]


def test_kernel_is_believed_before_the_server() -> None:
    xid = "NVRM: Xid (PCI:0000:3b:00): 79, pid=812, GPU has fallen off the bus."
    told = failures.evidence([MEMORY], "vllm", kernel=("eth0: link up", xid))
    assert told[0] == "cause: a GPU failed"
    assert f"log: {xid}" in told


def test_kernel_that_killed_somebody_is_believed_after_the_server() -> None:
    killed = "Out of memory: Killed process 9 (dd) total-vm:1kB"
    assert failures.evidence([MEMORY], "vllm", kernel=(killed,))[0] == (
        "cause: another process holds device memory"
    )
    assert failures.evidence(HEALTHY, "vllm", kernel=(killed,))[0] == (
        "cause: the host ran out of memory, and the kernel killed a process, maybe the server's"
    )


def test_kernel_lines_are_not_the_servers_last_ones() -> None:
    assert failures.evidence(["died"], "vllm", kernel=("eth0: link up",)) == [
        "its last lines were:",
        "died",
    ]


def _run(*words: str, given: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(SCRIPT), *words]
    return subprocess.run(command, input=given, capture_output=True, text=True)


def test_any_log_is_read_by_hand(tmp_path: Path) -> None:
    log = tmp_path / "a.log"
    log.write_bytes(b"\xff\xfe progress\r\n" + PORT.encode() + b"\n")
    done = _run(str(log))
    assert done.returncode == 0
    assert done.stdout.splitlines()[:2] == [
        f"{log}: known",
        "  cause: another process has the port",
    ]


def test_input_is_read_by_hand_for_an_engine() -> None:
    memory = "torch.OutOfMemoryError: CUDA out of memory.\n"
    assert "session_len" in _run("--engine", "lmdeploy", "-", given=memory).stdout
    done = _run("--engine", "ollama", "-", given=memory)
    assert (done.returncode, done.stdout) == (1, "-: nothing known\n")


def test_log_that_is_not_there(tmp_path: Path) -> None:
    done = _run(str(tmp_path / "none.log"))
    assert done.returncode == 2
    assert f"No such file or directory: '{tmp_path}/none.log'" in done.stderr


def test_no_log_is_named() -> None:
    done = _run()
    assert done.returncode == 2
    assert "name a log, or - for the input" in done.stderr


def test_page_has_every_row() -> None:
    """What is printed by ``failures.py --table`` is what stands there."""
    page = (REPOSITORY / "docs/failures.md").read_text()
    printed = _run("--table").stdout
    assert len(printed.splitlines()) == len(failures.KNOWN) + 2
    assert printed in page
