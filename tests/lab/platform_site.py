"""A site on lab hosts with accelerators: what they should have, and who sees to it."""

import hashlib
import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from roles.lab import LabHost, places
from tests.lab.site import KEY, Run, connections
from tests.lab.waiting import AT_MOST_S, comes
from tests.standins.nvidia.run_file import run_file

_STATE = "var/lib/metalserve/platform"

INVENTORY = '''\
"""Hosts of a test."""

from pathlib import Path

from inventories.weights import canary
from roles.spec import *

_connections = {connections!r}
_spec = HostSpec(accelerator={accelerator!r}, driver={driver}{fields})
(_hosts,) = inventory(dict.fromkeys(_connections, _spec))
hosts = [(name, {{**spec, **_connections[name]}}) for name, spec in _hosts]
'''

INSTANCES = """(Instance(
    name="chat",
    stack={stack},
    weights=canary.WEIGHTS,
    devices=(0,),
    port=8000,
    model="canary",
    api_key=Secret(env="TEST_API_KEY"),
    options=VllmOptions(
        dtype="float32", max_model_len=1024, max_num_seqs=4, images=1, videos=1,
        enforce_eager=True, environment={{"VLLM_CPU_KVCACHE_SPACE": "1"}},
    ),
    ready_within_s=300,
    drain_within_s=10,
),)"""


@dataclass
class Site:
    """Hosts with accelerators, what each of them should be, and who sees to it."""

    hosts: list[LabHost]
    folder: Path
    accelerator: str = "cuda"

    @property
    def host(self) -> LabHost:
        """The first of them."""
        return self.hosts[0]

    def want(self, driver: str, **fields: object) -> None:
        """Say what the hosts should have, as Python."""
        words = "".join(f", {key}={value}" for key, value in fields.items())
        text = INVENTORY.format(
            connections=connections(self.hosts),
            accelerator=self.accelerator,
            driver=driver,
            fields=words,
        )
        self.inventory.write_text(text)

    @property
    def inventory(self) -> Path:
        return self.folder / "site.py"

    def start(self, *words: str, deploy: str = "prepare") -> "subprocess.Popen[str]":
        """Start a deploy and return at once."""
        pyinfra = str(places.REPOSITORY / ".venv/bin/pyinfra")
        return subprocess.Popen(
            [pyinfra, "--json", *words, str(self.inventory), f"deploy/{deploy}.py"],
            cwd=places.REPOSITORY,
            env={**os.environ, "PYINFRA_PROGRESS": "off", "TEST_API_KEY": KEY},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *words: str, deploy: str = "prepare") -> Run:
        """Run a deploy to its end."""
        with self.start("-y", *words, deploy=deploy) as process:
            return ended(process)

    def loaded(self) -> str:
        """Return how many GPUs there are, and the driver that shows them."""
        return loaded(self.host)

    def boot(self) -> str:
        """Return what differs from boot to boot."""
        return self.host.run("cat /proc/sys/kernel/random/boot_id").stdout.strip()

    def began(self) -> list[str]:
        """Return the steps that are at work or were cut short."""
        folder = Path(self.host.disk.root) / _STATE / "began"
        return sorted(path.stem for path in folder.glob("*.json"))

    def comes_to(self, step: str, file: str) -> None:
        """Wait until a step is at work, and as far as to have a file there."""
        there = Path(self.host.disk.root) / file.lstrip("/")
        assert comes(lambda: step in self.began() and there.exists()), f"never came to {step}"


def loaded(host: LabHost) -> str:
    """Return how many GPUs a host has, and the driver that shows them."""
    asked = "nvidia-smi --query-gpu=driver_version --format=csv,noheader | uniq -c"
    return host.run(asked).stdout.strip()


def ended(process: "subprocess.Popen[str]") -> Run:
    """Wait for a run."""
    out, err = process.communicate(timeout=AT_MOST_S)
    return Run(process.returncode, out + err, json_of(out))


def json_of(text: str) -> Any:
    """Return what a run told programs, ``None`` when it did not come to that."""
    try:
        return json.loads(text)
    except ValueError:
        return None


def from_packages(version: str) -> str:
    """Return a driver as an inventory writes it."""
    return f'CudaDriver(version="{version}", source=DriverPackages(names=("nvidia-open",)))'


def from_file(folder: Path, version: str) -> str:
    """Return a driver as an inventory writes it, its file in ``folder``."""
    made = run_file(folder, version)
    digest = hashlib.sha256(made.read_bytes()).hexdigest()
    installer = f'Installer(file="{made.name}", sha256="{digest}")'
    return f'CudaDriver(version="{version}", source=DriverRunFile(installer={installer}))'
