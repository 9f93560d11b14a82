"""On a lab host, MindIE's stand-in runs from the vendor's packages, as a service."""

import json
import shlex
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from roles.lab import LabHost
from tests.standins.ascend import build as ascend
from tests.standins.ascend import npu
from tests.standins.hardware import deb, kernel
from tests.standins.hardware.booted import booted
from tests.standins.mindie import build, knobs, shipped
from tests.standins.openai import served

pytestmark = pytest.mark.lab

_HOME = "/usr/local/Ascend"
_ASK = """\
import sys, urllib.request as web
asked = web.Request(sys.argv[1], sys.argv[2].encode() or None)
print(web.urlopen(asked, timeout=60).read().decode())
"""
_SOURCED = "; ".join(
    f"source {_HOME}/{name}/set_env.sh" for name in ("cann", "nnal/atb", "atb-models", "mindie")
)
_DAEMON = f"{_HOME}/mindie/latest/mindie-service/bin/mindieservice_daemon"


def _done(host: LabHost, command: str) -> str:
    done = host.run(command)
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def _asked(host: LabHost, port: int, path: str, content: str = "") -> str:
    words = f"http://127.0.0.1:{port}{path} {shlex.quote(content)}"
    return _done(host, f"python3 -c {shlex.quote(_ASK)} {words}")


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabHost]:
    """A host with an Atlas 300I DUO and all of the vendor's, a user for a server, and a model."""
    folder = tmp_path_factory.mktemp("vendor")
    questions = served.table(folder)
    tools = deb.repository(folder / "tools", [*kernel.packages(), *npu.packages()])
    service = build.service(folder / "service", questions)
    made = [
        ascend.hdk(folder).driver,
        *ascend.cann(folder),
        ascend.mindie(folder, service=service),
        ascend.atb_models(folder, questions=questions),
    ]
    with booted("mindie", 1) as (host,):
        root = Path(host.disk.root)
        for path in (*tools.glob("*.deb"), *made):
            (root / "root" / path.name).write_bytes(path.read_bytes())
        npu.plug(host, npu.duo())
        npu.start_at_once(host)
        driver, toolkit, _, nnal, mindie, models = (f"/root/{path.name}" for path in made)
        _done(host, "useradd -m HwHiAiUser && dpkg -i /root/*.deb")
        _done(host, f"bash {driver} --full --install-for-all --quiet")
        _done(host, f"bash {toolkit} --install --quiet")
        for package in (nnal, mindie):
            _done(host, f"source {_HOME}/cann/set_env.sh; bash {package} --install --quiet")
        _done(host, f"mkdir {_HOME}/atb-models && tar -xf {models} -C {_HOME}/atb-models")
        _done(host, f"chgrp -R HwHiAiUser {_HOME}/mindie && useradd -m -G HwHiAiUser server")
        model = served.checkpoint(root / "home/server/model")
        config = served.CONFIG | {"dtype": "float16", "model_type": "qwen3_vl"}
        (model / "config.json").write_text(json.dumps(config))
        (root / "home/server/config.json").write_text(_settings())
        _done(host, "chown -R server: /home/server && chmod -R o=,g-w /home/server")
        _done(host, "chmod 640 /home/server/config.json /home/server/model/*")
        yield host


def _settings() -> str:
    document = shipped.document(build.VERSION)
    document["ServerConfig"] |= {"httpsEnabled": False, "managementIpAddress": "127.0.0.1"}
    back = document["BackendConfig"]
    back |= {"npuDeviceIds": [[0, 1]], "tokenizerProcessNumber": 1}
    wanted = {"modelName": "canary", "modelWeightPath": "/home/server/model"}
    back["ModelDeployConfig"]["ModelConfig"][0] |= {**wanted, "worldSize": 2, "npuMemSize": 3}
    return json.dumps(document)


def _start(host: LabHost, unit: str, last: str) -> None:
    """Start it as a service whose process runs ``last`` when all is sourced."""
    shell = f"set --; {_SOURCED}; {last}"
    _done(
        host,
        f"systemd-run --quiet --unit={unit} -p User=server -p WorkingDirectory=/home/server "
        "-p ProtectSystem=strict -p ReadWritePaths=/home/server -p KillMode=mixed "
        "-E MIES_CONFIG_JSON_PATH=/home/server/config.json -E HOME=/home/server "
        f"-E ASCEND_RT_VISIBLE_DEVICES=0,1 bash -c '{shell}'",
    )


def _log(host: LabHost, unit: str, until: str) -> str:
    for _ in range(100):
        said = host.run(f"journalctl -u {unit} -o cat").stdout
        if until in said:
            return str(said)
        time.sleep(0.1)
    raise AssertionError(said)


def test_what_systemd_starts_leads_a_session(host: LabHost) -> None:
    _start(host, "leader", f"exec {_DAEMON}")
    said = _log(host, "leader", "Main process exited")
    assert "Failed to set process group. errno is 1" in said
    assert "status=255" in said


def test_it_serves_and_is_seen_on_its_chips(host: LabHost) -> None:
    knobs.misbehave(host, when='"modelName":"canary"', start_s=0.1, grace_s=1)
    _start(host, "server", f'{_DAEMON} & pid=$!; trap "kill $pid" TERM; wait $pid; wait $pid')
    said = _log(host, "server", "Daemon start success!")
    assert "ConfigManager: Load Config from /home/server/config.json." in said
    asked = {"model": "canary", "messages": [{"role": "user", "content": "Hello"}]}
    assert _asked(host, 1026, "/v2/health/ready") == "\n"
    page = json.loads(_asked(host, 1025, "/v1/chat/completions", json.dumps(asked)))
    assert page["choices"][0]["message"]["content"] == "Hello! I am the canary."
    table = _done(host, "npu-smi info")
    assert table.count("| mindie_llm_backe         | 3072 ") == 2
    # What they use, beside the 1400 MB that nobody does.
    assert f" {1400 + 3072} / 44278 " in table

    _done(host, "systemctl stop server")
    said = _log(host, "server", "All subprocesses exited gracefully.")
    assert "Daemon is killing, please wait about 15 seconds..." in said
    assert "No running processes found in NPU 1" in _done(host, "npu-smi info")
    names = _done(host, "ls /dev/shm")
    assert "llm_tokenizer_shared_memory_" in names
    assert "llm_backend_" in names
