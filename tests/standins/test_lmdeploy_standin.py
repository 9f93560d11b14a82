"""The stand-in of LMDeploy answers from its table, and refuses what each version refuses."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from roles import templates
from tests.standins.lmdeploy import build
from tests.standins.openai import served
from tests.standins.openai.served import KEY, MP4, PNG, Served, checkpoint, shown, table
from tests.standins.ports import free_port

Start = Callable[..., Served]


@pytest.fixture(scope="module", params=build.VERSIONS)
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def python(version: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stack")
    lock = build.build(folder / "wheels", table(folder), version)
    return served.install(folder, lock)


@pytest.fixture(scope="module")
def start(python: Path, tmp_path_factory: pytest.TempPathFactory) -> Start:
    """Start it through the launcher of a release, which knows the key."""
    folder = tmp_path_factory.mktemp("release")
    launcher = folder / "launch.py"
    launcher.write_text(templates.render("engine/lmdeploy-launch.py.j2"))
    (folder / "api-key").write_text(KEY)
    model = checkpoint(folder / "model")

    def start(*words: str) -> Served:
        port = free_port()
        command: list[str | Path] = [
            python,
            launcher,
            "-m",
            "lmdeploy",
            "serve",
            "api_server",
            model,
        ]
        command += ["--server-name", "127.0.0.1", "--server-port", str(port)]
        command += ["--backend", "pytorch", *words]
        environment = {"CREDENTIALS_DIRECTORY": str(folder), "HOME": str(folder)}
        return Served(command, port=port, log=folder / "log", environment=environment)

    return start


@pytest.fixture(scope="module")
def good(start: Start, version: str) -> Iterator[Served]:
    """A server that does nothing wrong, and may be asked anything."""
    words = ("--model-name", "canary", "--session-len", "1000", "--hf-overrides", "{}")
    with start(*words) as found:
        yield found.ready(page=None if version == "0.12.3" else {"status": "healthy"})


def test_key_is_in_no_word_of_the_process(good: Served) -> None:
    words = Path(f"/proc/{good.process.pid}/cmdline").read_bytes()
    assert b"launch.py" in words
    assert KEY.encode() not in words
    assert KEY.encode() not in Path(f"/proc/{good.process.pid}/environ").read_bytes()


def test_pages_that_need_the_key(good: Served) -> None:
    for path in ("/v1/models", "/metrics", "/nothing"):
        for key in (None, "another-key"):
            status, page = good.ask(path, key=key)
            assert status == 401
            assert "Unauthorized" in str(page)
    assert good.ask("/health", key=None)[0] == 200


def test_models_and_numbers(good: Served) -> None:
    status, page = good.ask("/v1/models")
    assert (status, page["data"][0]["id"], page["data"][0]["owned_by"]) == (
        200, "canary", "lmdeploy",
    )  # fmt: skip
    status, text = good.ask("/metrics")
    assert status == 200
    for name in ("running", "waiting"):
        assert f'lmdeploy:num_requests_{name}{{engine="0",model_name="canary"}} 0.0\n' in text


def test_answers_from_the_table(good: Served) -> None:
    question = {"type": "text", "text": "What?"}
    assert good.said("What colour is the sky?") == "blue"
    assert good.said([shown("image", PNG), question], model="canary") == "red"
    assert good.said([question, shown("video", MP4)]) == "left"


def test_requests_it_refuses(good: Served) -> None:
    status, page = good.chat("Hello", model="another")
    assert (status, page["message"]) == (404, "The model 'another' does not exist.")
    status, page = good.ask("/v1/chat/completions", {"model": "canary", "messages": []})
    assert status in (400, 422)
    assert "messages: Field required" in str(page)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--no-such-flag", "unrecognized arguments: --no-such-flag"),
        ("--max-model-len 8192", "unrecognized arguments: --max-model-len 8192"),
        ("--dtype int8", "argument --dtype: invalid choice: 'int8' (choose from "),
        ("--distributed-executor-backend nccl", "invalid choice: 'nccl'"),
        ("--enable-metrics", "unrecognized arguments: --enable-metrics"),
        ("--session-len 8k", "argument --session-len: invalid int value: '8k'"),
        ("--hf-overrides x", "argument --hf-overrides: invalid loads value: 'x'"),
    ],
)
def test_command_lines_it_refuses(start: Start, words: str, message: str) -> None:
    with start(*words.split(" ")) as found:
        assert found.status() == 2
        assert message in found.log
        assert KEY not in found.log


def test_flags_of_one_version(start: Start, version: str) -> None:
    """They are in the table of one, and not of the other."""
    gone, since = ("--disable-vision-encoder", "--language-model-only")
    wrong = since if version == "0.12.3" else gone
    with start(wrong) as found:
        assert found.status() == 2
        assert f"unrecognized arguments: {wrong}" in found.log


def test_one_process_for_several_devices_is_refused(start: Start) -> None:
    with start("--tp", "2", "--distributed-executor-backend", "uni") as found:
        assert found.status() == 1
        assert "uni executor only support world_size==1." in found.log


def test_table_is_made_by_the_script(tmp_path: Path) -> None:
    """Of a wheel whose parser has one option; the real ones are larger."""
    cli = tmp_path / "lmdeploy/cli"
    cli.mkdir(parents=True)
    (cli / "utils.py").write_text("from lmdeploy.utils import get_logger\n")
    (cli / "serve.py").write_text(
        "import argparse\n"
        "from lmdeploy.messages import Anything\n"
        "class SubCliServe:\n"
        "    subparsers = argparse.ArgumentParser().add_subparsers()\n"
        "    @staticmethod\n"
        "    def add_parser_api_server():\n"
        "        parser = SubCliServe.subparsers.add_parser('api_server')\n"
        "        parser.add_argument('--tp', type=int, default=1, choices=[1, 2])\n"
    )
    words = [sys.executable, "-m", "tests.standins.lmdeploy.table", str(tmp_path)]
    made = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    assert made == (
        '[\n {"names": ["--tp"], "switch": false, "nargs": null, "type": "int", '
        '"choices": [1, 2], "default": 1}\n]\n'
    )
