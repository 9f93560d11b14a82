"""What an instance of MindIE runs: compared whole, and really run, with a daemon that tells."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from roles import engine
from roles.release import Release
from roles.spec import Instance, MindieClient, MindieHttps, Stack
from tests.roles.preflight import plans

HERE = Path(__file__).parent
MODEL = "BackendConfig.ModelDeployConfig.ModelConfig.0"
RUN = (
    *plans.cann("8.5.1", chip="310p"),
    plans.installer("Ascend-cann-nnal_8.5.1_linux-aarch64.run"),
    plans.installer("Ascend-mindie_3.0.0_linux-aarch64_abi0.run"),
)


def _stack(**fields: Any) -> Stack:
    """Return a MindIE of run packages, unless told otherwise."""
    right = {"installers": RUN, "command": ("mindieservice_daemon",)}
    return plans.mindie_stack(**right | fields)


def _instance(stack: Stack | None = None, **fields: Any) -> Instance:
    spec = plans.mindie("8b", on=2, stack=stack or _stack(), **fields)
    return spec.instances[0]


@pytest.mark.parametrize("name", ["start", "environment", "wanted.json"])
def test_rendered(name: str) -> None:
    found = engine.rendered(_instance(environment={"HCCL_BUFFSIZE": "200"}))
    assert sorted(found) == ["environment", "start", "wanted.json"]
    assert found[name].text == (HERE / f"mindie.{name}").read_text()


def test_unit() -> None:
    found = engine.unit_file(_stack(), python="/usr/bin/python3")
    assert found == (HERE / "metalserve-mindie@.service").read_text()


def test_wheels_have_their_settings_in_the_stack() -> None:
    stack = _stack(installers=plans.cann("8.5.1"), command=("mindie_llm_server",))
    found = engine.rendered(_instance(stack))
    assert json.loads(found["wanted.json"].text)["installed"] == (
        f"/opt/metalserve/stacks/{stack.folder}/venv/lib/python3.11/site-packages"
        "/mindie_llm/conf/config.json"
    )
    assert "|| set -- mindie_llm_server\n" in found["start"].text
    assert "mindie-3.0.0-python" not in found["start"].text


def test_keys_given_by_path_are_told_apart() -> None:
    found = engine.rendered(_instance(config={f"{MODEL}.tp": 2}))
    wanted = json.loads(found["wanted.json"].text)
    assert wanted["given"] == {f"{MODEL}.tp": 2}
    assert f"{MODEL}.tp" not in wanted["keys"]


class _Started:
    """A release that is started as its unit does, with a daemon that tells how it was run."""

    def __init__(self, folder: Path) -> None:
        self.release, self.cache = folder / "releases/mindie-3.0.0-one", folder / "cache"
        self.service, self.env = folder / "service", dict[str, str]()
        self.packages = self.release / "stack/venv/lib/python3.11/site-packages"
        (self.packages / "torch/lib").mkdir(parents=True)
        (self.release / "config.json").write_text('{"Version": "1.0.0"}\n')
        self.program(self.service / "bin/mindieservice_daemon")
        start = self.release / "start"
        start.write_text(engine.rendered(_instance())["start"].text)
        start.chmod(0o755)

    def program(self, file: Path) -> None:
        """Have a program that tells its words, its folder and its variables."""
        file.parent.mkdir(parents=True, exist_ok=True)
        tells = "import json, os, sys\nprint(json.dumps([sys.argv, os.getcwd(), dict(os.environ)]))"
        file.write_text(f"#!{sys.executable} -SE\n{tells}\n")
        file.chmod(0o755)

    def run(self, *words: str, code: int = 0) -> Any:
        """Start it and return what the daemon told, or what was said instead."""
        known = {
            "PATH": os.environ["PATH"],
            "CACHE_DIRECTORY": str(self.cache),
            "MIES_INSTALL_PATH": str(self.service),
            "LD_LIBRARY_PATH": "/usr/local/Ascend/cann-8.5.1/lib64",
        }
        done = subprocess.run(
            ["./start", *words], cwd=self.release, env=known | self.env, capture_output=True,
            text=True,
        )  # fmt: skip
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if code == 0 else done.stderr


@pytest.fixture
def started(tmp_path: Path) -> _Started:
    """A release that is started as its unit does."""
    return _Started(tmp_path)


def test_what_is_run(started: _Started) -> None:
    started.env = {"RANK_TABLE_FILE": "/etc/ranktable.json", "PYTHONPATH": "/models"}
    words, folder, variables = started.run()
    cache = f"{started.cache}/{started.release.name}"
    assert words == [f"{started.service}/bin/mindieservice_daemon"]
    assert folder == f"{cache}/work"
    assert variables["HOME"] == cache
    assert variables["LOCAL_CACHE_DIR"] == f"{cache}/work/media"
    assert variables["MIES_CONFIG_JSON_PATH"] == f"{cache}/work/conf/config.json"
    assert variables["PYTORCH_INSTALL_PATH"] == f"{started.packages}/torch"
    assert variables["PYTORCH_NPU_INSTALL_PATH"] == f"{started.packages}/torch_npu"
    assert variables["PATH"].startswith(f"{started.release}/stack/venv/bin:{started.service}/bin:")
    assert variables["LD_LIBRARY_PATH"].split(":") == [
        *(f"{started.packages}/{one}" for one in ("torch/lib", "torch.libs", "torch_npu/lib")),
        "/usr/local/Ascend/cann-8.5.1/lib64",
        *(f"/usr/local/Ascend/driver/lib64{below}" for below in ("", "/common", "/driver")),
    ]
    installed = "/opt/metalserve/ascend/mindie-3.0.0-python"
    assert variables["PYTHONPATH"] == f"/models:{installed}:{started.packages}"
    assert variables["PATH"].endswith(f":{installed}/bin")
    assert "RANK_TABLE_FILE" not in variables


def test_settings_are_a_file_of_the_servers_own(started: _Started) -> None:
    """As MindIE wants them: no link, and no more open than 640, whatever the release's is."""
    started.run()
    copy = started.cache / started.release.name / "work/conf/config.json"
    assert copy.read_text() == '{"Version": "1.0.0"}\n'
    assert (copy.stat().st_mode & 0o777, copy.is_symlink()) == (0o640, False)


def test_what_a_server_left_in_its_folder_goes(started: _Started) -> None:
    left = started.cache / started.release.name / "work/kernel_meta_temp_77"
    left.mkdir(parents=True)
    started.run()
    assert not left.exists()


def test_wheels_are_run_from_the_stack(started: _Started) -> None:
    started.program(started.release / "stack/venv/bin/mindieservice_daemon")
    words, *_ = started.run()
    assert words == [f"{started.release}/stack/venv/bin/mindieservice_daemon"]


def test_another_program_of_the_stack(started: _Started) -> None:
    started.program(started.release / "stack/venv/bin/dialogue")
    words, *_ = started.run("dialogue", "a b")
    assert words[1:] == ["a b"]


_DAEMON = """\
#!{python} -SE
import os, signal, sys
os.setpgid(0, 0)
signal.signal(signal.SIGTERM, lambda *_: os.abort())
print(os.getpid(), flush=True)
sys.stdin.read()
signal.pause()
"""


def test_server_is_told_to_end_and_its_end_is_the_scripts(started: _Started) -> None:
    """A child, since the leader of a session cannot be made the leader of a group."""
    daemon = started.service / "bin/mindieservice_daemon"
    daemon.write_text(_DAEMON.format(python=sys.executable))
    known = {"PATH": os.environ["PATH"], "CACHE_DIRECTORY": str(started.cache)}
    with subprocess.Popen(
        ["./start"], cwd=started.release, env={**known, "MIES_INSTALL_PATH": str(started.service)},
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
        start_new_session=True,
    ) as script:  # fmt: skip
        assert script.stdout is not None
        server = int(script.stdout.readline())
        assert server != script.pid
        script.terminate()
        assert script.wait(60) == 134
    assert not Path(f"/proc/{server}").exists()


def test_stack_without_torch(started: _Started) -> None:
    (started.packages / "torch/lib").rmdir()
    assert started.run(code=1) == (
        f"{started.packages} has no torch/lib: the stack's lock is without torch, or for another "
        "Python\n"
    )


def test_release_tells_where_it_is_asked_about_itself() -> None:
    spec = plans.mindie("8b", on=2, stack=_stack(), metrics_port=9100)
    release = Release(spec=spec, instance=spec.instances[0])
    told = json.loads(release.files["release.json"].text)
    assert told["unit"] == "metalserve-mindie@chat.service"
    assert told["health"] == "/v2/health/ready"
    assert told["planes"] == {
        "management": {"address": "127.0.0.1", "port": spec.instances[0].port + 1},
        "metrics": {"address": "127.0.0.1", "port": 9100},
    }
    assert release.links["ascend"] == f"/opt/metalserve/ascend/{_stack().folder}.environment"


def test_release_tells_by_what_it_is_asked() -> None:
    client = {"certificate": "/etc/c.pem", "key": "/etc/c.key", "ca": "/etc/ca.pem"}
    https = MindieHttps(client=MindieClient(**client))
    spec = plans.mindie("8b", on=2, stack=_stack(), https=https)
    release = Release(spec=spec, instance=spec.instances[0])
    assert json.loads(release.files["release.json"].text)["https"] == client


def test_one_question_of_each_kind_goes_the_other_way_too() -> None:
    spec = plans.mindie("8b", on=2, stack=_stack())
    release = Release(spec=spec, instance=spec.instances[0])
    asked = [(check["name"], check["kind"], check.get("by")) for check in release.checks]
    assert asked == [
        ("sum", "text", None),
        ("cross", "image", None),
        ("sum-generate", "text", "generate"),
        ("cross-generate", "image", "generate"),
    ]
    generated = release.checks[3]
    assert {**generated, "name": "cross"} == {**release.checks[1], "by": "generate"}


def test_model_of_text_is_asked_by_chat_alone() -> None:
    """There the other way takes text as it is, without the model's template."""
    weights = plans.weights("8b", takes=(), checks=(plans._CHECKS[0],))
    spec = plans.mindie("8b", on=2, stack=_stack(), weights_of=weights, images=0)
    release = Release(spec=spec, instance=spec.instances[0])
    assert [check.get("by") for check in release.checks] == [None]
