"""MindIE's stand-in that runs, for its own tests: with a folder for each thing that it needs."""

import http.client
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tests.standins.ascend import npu
from tests.standins.mindie import build, shipped
from tests.standins.openai.served import Answer, checkpoint, table
from tests.standins.ports import free_port

NAME = "qwen3vl"


def install(folder: Path, version: str = build.VERSION) -> Path:
    """The folder of a server as the run package leaves it, and of what its Python has to have."""
    questions = table(folder)
    root = folder / "mindie-service"
    build.service(root, questions, version)
    for path, text in {
        "python/atb_llm/__init__.py": "",
        "python/atb_llm/runner/__init__.py": "",
        "cann/lib64/libascendcl.so": "",
        "atb/lib/libatb.so": "",
        "models/lib/libatb_speed_torch.so": "",
        "mindie-llm/lib/libmindie_llm.so": "",
    }.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text)
    return root


class Host:
    """A place to run it in: chips, shared memory, a model and settings of its own."""

    def __init__(
        self,
        folder: Path,
        root: Path,
        *,
        chips: list[npu.Chip] | None = None,
        version: str = build.VERSION,
    ) -> None:
        self.folder, self.root = folder, root
        self.user: int | None = None
        self.chips = npu.a2(2) if chips is None else chips
        for name in ("dev", "shm", "work", "home", "ascend/knobs"):
            (folder / name).mkdir(parents=True)
        for node in ("davinci_manager", *(f"davinci{chip.logic}" for chip in self.chips)):
            (folder / "dev" / node).touch()
        rows = [asdict(chip) for chip in self.chips]
        (folder / "ascend/npus.json").write_text(json.dumps({"devices": rows}))
        self.model = checkpoint(folder / "model")
        self.config_json(dtype="float16")
        self.document = shipped.document(version)
        self.move()

    def config_json(self, **changed: object) -> None:
        """Have other settings of the model, whose files are as MindIE wants them."""
        file = self.model / "config.json"
        found = json.loads(file.read_text()) | {"model_type": "qwen3_vl"}
        file.write_text(json.dumps(found | changed))
        for path in (self.model, *self.model.iterdir()):
            path.chmod(0o750 if path.is_dir() else 0o640)

    def move(self) -> None:
        """Have ports of its own that nobody has answered on: for a minute they count as taken."""
        self.ports = (free_port(), free_port(), free_port())
        self.settle()

    def settle(self) -> None:
        """Settings of one rank, on three ports of 127.0.0.1, without certificates."""
        port, management, metrics = self.ports
        self.document["ServerConfig"] |= {
            "managementIpAddress": "127.0.0.1",
            "port": port,
            "managementPort": management,
            "metricsPort": metrics,
            "httpsEnabled": False,
        }
        back = self.document["BackendConfig"]
        back |= {"npuDeviceIds": [[0]], "tokenizerProcessNumber": 2}
        back["ModelDeployConfig"]["ModelConfig"][0] |= {
            "modelName": NAME,
            "modelWeightPath": str(self.model),
            "worldSize": 1,
            "npuMemSize": 1,
        }

    def change(self, path: str, value: object) -> None:
        """Set one of the settings; ``...`` takes it away."""
        *above, last = [int(part) if part.isdigit() else part for part in path.split("/")]
        found: Any = self.document
        for part in above:
            found = found[part]
        if value is ...:
            del found[last]
        else:
            found[last] = value

    def give(self, user: int) -> None:
        """Have it all be a user's own, who starts it."""
        self.user = user
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, user, user)

    @property
    def config(self) -> Path:
        """The file of the settings."""
        file = self.folder / "config.json"
        file.write_text(json.dumps(self.document))
        file.chmod(0o640)
        if self.user is not None:
            os.chown(file, self.user, self.user)
        return file

    def environment(self, **changed: str | None) -> dict[str, str]:
        """What sourcing all scripts and a test's own folders make of the environment."""
        above = self.root.parent
        libraries = (self.root / "lib", above / "atb/lib", above / "cann/lib64")
        found: dict[str, str | None] = {
            "PATH": os.defpath,
            "HOME": str(self.folder / "home"),
            "LD_LIBRARY_PATH": ":".join(map(str, libraries)),
            "PYTHONPATH": str(above / "python"),
            "MIES_INSTALL_PATH": str(self.root),
            "MINDIE_LLM_HOME_PATH": str(above / "mindie-llm"),
            "ASCEND_HOME_PATH": str(above / "cann"),
            "ATB_HOME_PATH": str(above / "atb"),
            "ATB_SPEED_HOME_PATH": str(above / "models"),
            "MINDIE_LOG_TO_STDOUT": "1",
            "STANDIN_ASCEND": str(self.folder / "ascend"),
            "STANDIN_DEV": str(self.folder / "dev"),
            "STANDIN_SHM": str(self.folder / "shm"),
            **changed,
        }
        return {name: value for name, value in found.items() if value is not None}

    def start(
        self,
        *,
        words: tuple[str, ...] = (),
        standin: Mapping[str, object] | None = None,
        leads: bool = False,
        program: Path | None = None,
        **changed: str | None,
    ) -> "Served":
        """Start it. ``leads``: as the leader of a session, as systemd does."""
        asked = {"start_s": 0, **(standin or {})}
        environment = {"MINDIE_STANDIN": json.dumps(asked), **changed}
        program = program or self.root / "bin/mindieservice_daemon"
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [program, *(words or ("--config-file", str(self.config)))],
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environment(**environment),
                cwd=self.folder / "work",
                start_new_session=leads,
                user=self.user,
                group=self.user,
                extra_groups=None if self.user is None else (),
            )
        return Served(self, process)

    def refused(self, **options: Any) -> str:
        """Start it, and return what it said before it killed itself."""
        with self.start(**options) as served:
            assert served.status() == -signal.SIGKILL, served.log
            assert "Failed to init endpoint! Please check the service log" in served.log
            assert "Daemon start success!" not in served.log
            return served.log


class Served:
    """One server, from its start to its end."""

    def __init__(self, host: Host, process: "subprocess.Popen[bytes]") -> None:
        self.host, self.process = host, process
        self.business, self.management, self.metrics = host.ports

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Whatever the test made of it, no process is left: its ranks end with it."""
        self.process.kill()
        self.process.wait()

    @property
    def log(self) -> str:
        """All that it has said."""
        return (self.host.folder / "log").read_text()

    def status(self) -> int:
        """Wait for its end; the exit status."""
        return self.process.wait(60)

    def ready(self) -> Self:
        """Wait until it says that it is."""
        until = time.monotonic() + 60
        while time.monotonic() < until:
            assert self.process.poll() is None, self.log
            try:
                if self.ask("/v2/health/ready", port=self.management)[0] == 200:
                    return self
            except ConnectionError:
                pass
            time.sleep(0.02)
        raise AssertionError(self.log)

    def ask(
        self, path: str, content: object = None, *, port: int | None = None, within_s: float = 60
    ) -> Answer:
        """Status and JSON; text where it is not JSON; None where there is nothing."""
        body = content if isinstance(content, bytes | None) else json.dumps(content).encode()
        connection = http.client.HTTPConnection(
            "127.0.0.1", port or self.business, timeout=within_s
        )
        try:
            connection.request("GET" if body is None else "POST", path, body)
            reply = connection.getresponse()
            assert reply.getheader("Connection") == "close"
            text = reply.read().decode()
            if text and reply.headers.get_content_type() == "application/json":
                return reply.status, json.loads(text)
            return reply.status, text or None
        finally:
            connection.close()

    def chat(self, content: object, **wishes: object) -> Answer:
        """Ask one thing, in text or in parts."""
        messages = [{"role": "user", "content": content}]
        return self.ask("/v1/chat/completions", {"model": NAME, "messages": messages, **wishes})

    def said(self, content: object, **wishes: object) -> str:
        """Ask one thing that it answers."""
        status, page = self.chat(content, **wishes)
        assert status == 200, page
        return str(page["choices"][0]["message"]["content"])
