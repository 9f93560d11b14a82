"""An instance of Ollama for lab hosts, and a client that knows a name and an address alone."""

import json
import shutil
from pathlib import Path

from inventories.weights import canary
from roles.lab import LabHost
from roles.weights import manifest, store
from tests.lab.site import Site
from tests.standins.ollama import build
from tests.standins.ollama import store as made

MODEL = "qwen3:8b"
OLLAMA, VLLM = "metalserve-ollama@chat.service", "metalserve-vllm@chat.service"
EXPECTED = next(check.expect for check in canary.WEIGHTS.checks if check.prompt == canary.PROMPT)
_STORE = "srv/ollama/store"

_DEFINED = """
_ollama = Instance(
    name="chat",
    stack=Stack(
        name="standin-ollama-0.33", engine="ollama", version="0.33.0",
        accelerator={accelerator!r}, driver={driver!r},
        command=("bin/ollama", "serve"), disk_gib=0.05, os_packages=("zstd",),
        lock=Archive(
            file={file!r}, size={size}, sha256={sha256!r}, sources=(Folder(path=Path({folder!r})),),
        ),
    ),
    weights=Weights(
        name="qwen3-8b-q4",
        files=manifest(Path({manifest!r})),
        sources=(HostFolder(path="/srv/ollama/store"),),
        checks=(
            Check(name="known", kind="text", prompt={prompt!r}, expect={expect!r}),
            Check(name="streamed", kind="stream", prompt={prompt!r}, expect={expect!r}),
            Check(name="malformed", kind="error", prompt={prompt!r}),
        ),
    ),
    options=OllamaOptions(context_length=4096),
    port=8000,
    devices={devices},
    model="qwen3:8b",
    api_key=None,
    ready_within_s=300,
    drain_within_s=10,
)
"""


def defined(site: Site, *, gpu: bool = False) -> str:
    """Make archive and store, and return the instance as an inventory has it."""
    packed = build.build(site.folder / "vendor", "ollama-linux-amd64.tar.zst")
    pulled = site.folder / "store"
    made.add(pulled, MODEL, {canary.PROMPT: EXPECTED})
    made.add(pulled, "another:1b", {})
    pinned = site.folder / "qwen3.sha256"
    pinned.write_text("\n".join(manifest.lines(pulled, store.files(pulled, MODEL))))
    target = Path(site.hosts[0].disk.root) / _STORE
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(pulled, target)
    return _DEFINED.format(
        file=packed.path.name,
        size=packed.size,
        sha256=packed.sha256,
        folder=str(packed.path.parent),
        manifest=str(pinned),
        prompt=canary.PROMPT,
        expect=EXPECTED,
        accelerator="cuda" if gpu else "cpu",
        driver="550.54.14" if gpu else None,
        devices=(0,) if gpu else (),
    )


def answered(host: LabHost) -> str:
    """Return what a client is answered."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": canary.PROMPT}]}
    url = "http://127.0.0.1:8000/v1/chat/completions"
    said = host.run(f"curl -s {url} -H 'Content-Type: application/json' -d '{json.dumps(body)}'")
    return str(json.loads(said.stdout)["choices"][0]["message"]["content"])


def active(host: LabHost, *units: str) -> list[str]:
    """Return the state of each unit."""
    return host.run(f"systemctl is-active {' '.join(units)}").stdout.split()


def enabled(host: LabHost) -> list[str]:
    """Return the units of instances that start with the host."""
    return host.run(
        "cd /etc/systemd/system/multi-user.target.wants; ls metalserve-*@*"
    ).stdout.split()
