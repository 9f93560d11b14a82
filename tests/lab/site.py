"""A site on lab hosts: an inventory, and an operator who runs pyinfra over it."""

import json
import os
import signal
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from roles.lab import LabHost, places
from tests.lab.waiting import AT_MOST_S

# The key has to be found nowhere: it looks like nothing else.
KEY = "sk-test-7f3kQz9Xw2LmVb8Rt5"

INVENTORY = '''\
"""Hosts of a test."""

from pathlib import Path

from inventories.weights import canary
from roles.spec import *
from roles.spec.base import Fault
{imports}

def _instance(name="chat", port=8000, extra=(), dtype="float32", **changed):
    values = dict(
        name=name,
        stack={stack},
        weights=canary.WEIGHTS,
        port=port,
        model="canary",
        api_key=Secret(env="TEST_API_KEY"),
        options=VllmOptions(
            dtype=dtype, max_model_len=1024, max_num_seqs=4, images=1, videos=1,
            kv_cache_gib=1, enforce_eager=True, environment={environment!r},
            extra={words!r} + extra,
        ),
        ready_within_s={ready_within_s},
        drain_within_s=10,
    )
    return Instance(**(values | changed))

_packages = {packages}
_hosts = {{
    name: HostSpec(accelerator={accelerator!r}, instances=instances, packages=_packages{more})
    for name, instances in {instances}.items()
}}
(_specs,) = inventory(_hosts, fleet={fleet})
_connections = {connections!r}
hosts = [(name, {{**spec, **_connections[name]}}) for name, spec in _specs]
'''

STANDIN = """Stack(
            name="standin-0.32", engine="vllm", accelerator="cpu", version="0.32.0", python="3.11",
            command=("-m", "vllm.entrypoints.openai.api_server"),
            lock=Lock(file=Path({lock!r})), disk_gib=0.05,
        )"""


def connections(hosts: Iterable[LabHost]) -> dict[str, dict[str, object]]:
    """Return how hosts are reached, by their names, as an inventory says it."""
    return {
        host.name: {
            "ssh_hostname": host.address,
            "ssh_user": "root",
            "ssh_key": str(host.key),
            "ssh_known_hosts_file": str(host.known_hosts),
            "ssh_strict_host_key_checking": "yes",
            "ssh_allow_agent": False,
            "ssh_look_for_keys": False,
        }
        for host in hosts
    }


@dataclass
class Run:
    """What one run of pyinfra came to."""

    code: int
    said: str
    report: Any = None


@dataclass
class Site:
    """Hosts of a lab, what they should be, and who sees to it."""

    hosts: list[LabHost]
    folder: Path
    stack: str
    packages: str
    imports: str = ""
    accelerator: str = "cpu"
    more: str = ""
    fleet: str = "None"
    ready_within_s: int = 300
    options: dict[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    planned: Run | None = None
    environment: dict[str, str] = field(default_factory=lambda: {"TEST_API_KEY": KEY})

    @property
    def inventory(self) -> Path:
        """The inventory file."""
        return self.folder / "site.py"

    def want(self, *instances: str) -> None:
        """Say what each host serves, in order, as Python of a tuple; the others are idle."""
        wanted = [*instances, *["()"] * (len(self.hosts) - len(instances))]
        listed = {host.name: text for host, text in zip(self.hosts, wanted, strict=True)}
        written = "{" + ", ".join(f"{name!r}: {text}" for name, text in listed.items()) + "}"
        text = INVENTORY.format(
            imports=self.imports,
            stack=self.stack,
            packages=self.packages,
            instances=written,
            connections=connections(self.hosts),
            ready_within_s=self.ready_within_s,
            environment=self.options,
            words=self.words,
            accelerator=self.accelerator,
            more=self.more and f", {self.more}",
            fleet=self.fleet,
        )
        self.inventory.write_text(text)

    def start(self, deploy: str, *words: str) -> "subprocess.Popen[str]":
        """Start pyinfra and return at once."""
        return subprocess.Popen(
            [
                str(places.REPOSITORY / ".venv/bin/pyinfra"), "-y", *words,
                str(self.inventory), f"deploy/{deploy}.py",
            ],
            cwd=places.REPOSITORY,
            env={**os.environ, "PYINFRA_PROGRESS": "off", **self.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )  # fmt: skip

    def run(self, deploy: str, *words: str, within_s: float = AT_MOST_S) -> Run:
        """Run pyinfra to its end, as an operator does."""
        with self.start(deploy, "--json", *words) as process:
            try:
                out, err = process.communicate(timeout=within_s)
            except subprocess.TimeoutExpired:
                # What it started holds its output open, and would be waited for.
                os.killpg(process.pid, signal.SIGKILL)
                raise
        try:
            report = json.loads(out)
        except ValueError:
            report = None
        return Run(process.returncode, out + err, report)

    def asked(self, host: LabHost, name: str = "chat") -> list[dict[str, Any]]:
        """Ask an instance its questions, on its host."""
        said = host.run(f"python3 /opt/metalserve/hostside/ask.py {name}", timeout_s=AT_MOST_S)
        return list(json.loads(said.stdout)) if said.stdout else []

    def answers(self, host: LabHost, name: str = "chat") -> bool:
        """Say whether an instance answers everything right."""
        report = self.asked(host, name)
        return bool(report) and all(answer["passed"] for answer in report)


def current(host: LabHost, name: str = "chat") -> str:
    """Return the name of the release that is current."""
    folder = f"/opt/metalserve/instances/{name}"
    return Path(host.run(f"readlink {folder}/current").stdout.strip()).name


def transaction(host: LabHost, name: str = "chat") -> dict[str, Any]:
    """Return the journal of the last activation."""
    said = host.run(f"cat /var/lib/metalserve/transactions/{name}.json").stdout
    return dict(json.loads(said)) if said else {}


def sessions(host: LabHost) -> int:
    """Return how many commands and transfers sshd has started; the question is one itself."""
    # What sshd said last may not be in the journal yet. Whose unit it is in is not asked: that is
    # not known of a process that has ended before the journal came to its words.
    said = "journalctl -t sshd -t sshd-session -o cat --no-pager"
    counted = f"journalctl --sync; {said} | grep -c 'Starting session'"
    return int(host.run(counted).stdout)


def sent(host: LabHost) -> int:
    """Return how many bytes have left a host."""
    link = host.network.link(host.number)
    return int(Path(f"/sys/class/net/{link}/statistics/rx_bytes").read_text())


def changes(report: Any) -> list[str]:
    """Return the names of the operations that changed something."""
    return [done["name"] for done in report["results"]["operations"] if done["success"]]
