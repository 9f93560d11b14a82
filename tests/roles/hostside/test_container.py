"""The watch over a container: what it starts, when it kills, what it leaves."""

import json
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import container
import docker
import durable
import places
import pytest

from tests.roles.hostside.staged import Host
from tests.standins.docker.daemon import Docker

NAME = "metalserve-chat"
IMAGE = "metalserve/lmdeploy:0123456789ab"
# In the place of Compose: it says its words and serves as long as the container is there.
COMPOSE = f"""#!{sys.executable}
import json, os, sys, time
if sys.argv[1:] == ["version"]:
    sys.exit()
names = sorted(name for name in os.environ if name.startswith("METALSERVE_"))
print(json.dumps([sys.argv[1:], {{name: os.environ[name] for name in names}}]), flush=True)
path = os.environ["STANDIN_DOCKER"] + "/state.json"
state = json.load(open(path))
state["containers"]["{NAME}"] = json.loads(os.environ["CONTAINER"])
json.dump(state, open(path + ".own", "w"))
os.replace(path + ".own", path)
while "{NAME}" in json.load(open(path))["containers"]:
    time.sleep(0.02)
sys.exit(int(os.environ.get("ENDS_WITH", "137")))
"""


def _state(status: str, *said: str) -> str:
    log = [{"Output": text} for text in said]
    health = {"Status": status, "Log": log}
    return json.dumps({"Id": "5f2b" * 16, "State": {"Health": health}})


@pytest.fixture(autouse=True)
def _own_signals() -> Iterator[None]:
    """The watch is the process of its unit; here it is the tests', which end by a signal again."""
    kept = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield
    for number, handler in kept.items():
        signal.signal(number, handler)


@pytest.fixture
def docker_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A Docker with the image of the release."""
    found = Docker(tmp_path)
    found.change(images={IMAGE: "sha256:built"}, compose=1)
    program = tmp_path / "bin/docker-compose"
    program.parent.mkdir()
    program.write_text(COMPOSE)
    program.chmod(0o755)
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return found


@pytest.fixture
def unit(host: Host, docker_: Docker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What systemd gives the watch over ``chat``, which serves from an image."""
    monkeypatch.setattr(places, "RUN", str(tmp_path / "run"))
    monkeypatch.setattr(container, "_LOOK_EVERY_S", 0.02)
    release = Path(places.releases("chat"), "old")
    stack = Path(places.stacks(), "lmdeploy-0123456789ab")
    stack.mkdir(parents=True)
    durable.write_json(f"{stack}/complete.json", {"image": IMAGE, "id": "sha256:built"})
    if (release / "stack").is_symlink():
        (release / "stack").unlink()
    (release / "stack").symlink_to(stack)
    durable.link(f"{places.instance('chat')}/current", str(release))
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "api-key").write_text("sesame")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(credentials))
    monkeypatch.setenv("CACHE_DIRECTORY", str(tmp_path / "cache"))
    monkeypatch.setenv("CONTAINER", _state("healthy"))
    return stack


def _run(capfd: pytest.CaptureFixture[str]) -> tuple[int, Any, str]:
    """Run the watch to its end; its status, what Compose was told, what else was said."""
    status = container.Container("chat").run()
    first, *rest = capfd.readouterr().out.splitlines()
    return status, json.loads(first), "\n".join(rest)


def test_started_and_ended(
    unit: Path, docker_: Docker, tmp_path: Path, capfd: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """A server that ends of itself has failed, whatever it says."""
    monkeypatch.setenv("CONTAINER", _state("starting"))
    monkeypatch.setenv("ENDS_WITH", "0")
    made = container.Container("chat")

    def gone(seconds: float) -> bool:
        time.sleep(seconds)
        if Path(made.note).exists():
            docker_.change(containers={})
        return False

    monkeypatch.setattr(made.stopping, "wait", gone)
    assert made.run() == 1
    words, variables = json.loads(capfd.readouterr().out.splitlines()[0])
    assert words == [
        "--file", f"{made.folder}/compose.yaml", "up", "--no-build", "--no-color",
        "--no-log-prefix", "--abort-on-container-exit", "--exit-code-from", "server",
    ]  # fmt: skip
    assert variables == {
        "METALSERVE_CACHE": f"{tmp_path}/cache/old",
        "METALSERVE_SECRETS": f"{tmp_path}/run/chat/secrets",
        "METALSERVE_USER": f"{os.geteuid()}:{os.getegid()}",
    }
    key = tmp_path / "run/chat/secrets/api-key"
    assert (key.read_text(), stat.S_IMODE(key.stat().st_mode)) == ("sesame", 0o400)
    assert durable.read_json(made.note) == {
        "id": "5f2b" * 16, "unit": made.about["unit"], "port": made.about["port"],
    }  # fmt: skip


def test_unhealthy_is_killed(
    unit: Path, docker_: Docker, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    said = "Traceback\nTimeoutError: timed out"
    monkeypatch.setenv("CONTAINER", _state("unhealthy", "", said))
    status, _, told = _run(capfd)
    assert status == 137
    assert told == "the container is unhealthy and is killed: TimeoutError: timed out"
    assert ["kill", NAME] in docker_.told


def test_told_to_stop(unit: Path, docker_: Docker, monkeypatch: pytest.MonkeyPatch) -> None:
    made = container.Container("chat")
    made.stopping.set()

    def started(seconds: float) -> bool:
        time.sleep(seconds)
        return NAME in docker_.state["containers"]

    monkeypatch.setattr(made.stopping, "wait", started)
    assert made.run() == 0
    assert ["stop", NAME] in docker_.told


@pytest.mark.parametrize(
    ("images", "state"), [({}, "gone"), ({IMAGE: "sha256:other"}, "another one")]
)
def test_image_that_is_not_what_was_brought(
    unit: Path, docker_: Docker, images: dict[str, str], state: str
) -> None:
    docker_.change(images=images)
    with pytest.raises(docker.DockerError) as refused:
        container.Container("chat").run()
    assert str(refused.value) == (
        f"the image of {unit} is {state}; delete {unit}/complete.json and run deploy/main.py, "
        "which brings it again"
    )


def test_compose_that_is_not_there(unit: Path, docker_: Docker, tmp_path: Path) -> None:
    (tmp_path / "bin/docker-compose").unlink()
    with pytest.raises(docker.DockerError, match="Compose is not installed; put docker-compose"):
        container.Container("chat").run()


def test_plugin_comes_first(docker_: Docker) -> None:
    assert docker.compose() == ["docker-compose"]
    docker_.change(compose=0)
    assert docker.compose() == ["docker", "compose"]


def test_nothing_is_left(docker_: Docker, installed: Path) -> None:
    """As the unit ends, however it ended, also when nothing was there."""
    docker_.change(containers={NAME: {}, "theirs": {}})
    for _ in range(2):
        words = [sys.executable, str(installed / "container.py"), "remove", "chat"]
        done = subprocess.run(words, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert docker_.state["containers"] == {"theirs": {}}
    assert ["network", "rm", NAME] in docker_.told
