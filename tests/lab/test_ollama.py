"""
From Ollama to vLLM and back: one instance, one address, the same name that clients ask for.

Both engines are stand-ins (``tests/standins``); what installs, starts, switches and goes back is not.
"""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from inventories.weights import canary
from roles.lab import LabHost
from roles.weights import manifest, store
from tests.lab.site import Site, changes, current, sessions, transaction
from tests.standins.ollama import build
from tests.standins.ollama import store as made

pytestmark = pytest.mark.lab

OLLAMA, VLLM = "metalserve-ollama@chat.service", "metalserve-vllm@chat.service"
MODEL = "qwen3:8b"
STORE = "/srv/ollama/store"
MIGRATED = f"_instance(model={MODEL!r}, api_key=None)"
EXPECTED = next(check.expect for check in canary.WEIGHTS.checks if check.prompt == canary.PROMPT)

DEFINED = """
_ollama = Instance(
    name="chat",
    stack=Stack(
        name="standin-ollama-0.33", engine="ollama", accelerator="cpu", version="0.33.0",
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
    model="qwen3:8b",
    api_key=None,
    ready_within_s=30,
    drain_within_s=10,
)
"""


def defined(site: Site) -> str:
    """Make archive and store, and return the instance as an inventory has it."""
    packed = build.build(site.folder / "vendor", "ollama-linux-amd64.tar.zst")
    pulled = site.folder / "store"
    made.add(pulled, MODEL, {canary.PROMPT: EXPECTED})
    made.add(pulled, "another:1b", {})
    pinned = site.folder / "qwen3.sha256"
    pinned.write_text("\n".join(manifest.lines(pulled, store.files(pulled, MODEL))))
    target = Path(site.hosts[0].disk.root) / STORE.lstrip("/")
    shutil.rmtree(target, ignore_errors=True)
    shutil.copytree(pulled, target)
    return DEFINED.format(
        file=packed.path.name,
        size=packed.size,
        sha256=packed.sha256,
        folder=str(packed.path.parent),
        manifest=str(pinned),
        prompt=canary.PROMPT,
        expect=EXPECTED,
    )


@pytest.fixture(scope="module")
def site(make_site: Callable[..., Site]) -> Site:
    """A site whose first host came bare and serves ``chat`` with Ollama."""
    made = make_site()
    made.imports = defined(made)
    made.want("(_ollama,)")
    done = made.run("main")
    assert done.code == 0, done.said
    return made


def client(host: LabHost) -> dict[str, Any]:
    """Ask as a client does that knows a name and an address, and nothing of engines."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": canary.PROMPT}]}
    url = "http://127.0.0.1:8000/v1/chat/completions"
    said = host.run(f"curl -s {url} -H 'Content-Type: application/json' -d '{json.dumps(body)}'")
    return dict(json.loads(said.stdout))


def answered(host: LabHost) -> str:
    """Return what that client is answered."""
    return str(client(host)["choices"][0]["message"]["content"])


def test_bare_host_serves_with_ollama(site: Site) -> None:
    """The archive is unpacked whole and gone; of the store only the one model came, read-only."""
    host = site.hosts[0]
    assert answered(host) == EXPECTED
    assert site.answers(host)
    folder = host.run("readlink -f /opt/metalserve/instances/chat/current/stack").stdout.strip()
    assert "complete.json" in host.run(f"ls {folder}").stdout
    owner = "stat -c '%U %a' "
    assert host.run(f"{owner}{folder}/bin/ollama").stdout.strip() == "root 755"
    assert host.run("ls /opt/metalserve/cache/installers").stdout == ""
    weights = host.run("readlink -f /opt/metalserve/instances/chat/current/weights").stdout.strip()
    assert host.run(f"ls {weights}/manifests/registry.ollama.ai/library").stdout == "qwen3\n"
    assert host.run(f"systemctl show -P User {OLLAMA}").stdout.strip() == "metalserve-chat"
    assert "Listening on 127.0.0.1:8000" in host.run(f"journalctl -u {OLLAMA} -o cat").stdout


def test_second_run_changes_nothing(site: Site) -> None:
    host = site.hosts[0]
    before = sessions(host)
    done = site.run("main", "--limit", host.name)
    assert done.code == 0, done.said
    assert changes(done.report) == []
    # The question for the number of sessions is one itself.
    assert sessions(host) - before == 2


def test_migration_that_fails_leaves_ollama_serving(site: Site) -> None:
    host = site.hosts[0]
    before = current(host)
    site.want("(_instance(model='qwen3:8b', api_key=None, extra=('--no-such-flag',)),)")
    failed = site.run("main", "--limit", host.name)
    assert failed.code == 1
    assert f"state: {before} serves again and answers right" in failed.said
    assert transaction(host)["outcome"] == "rolled back"
    assert answered(host) == EXPECTED
    assert active(host, OLLAMA, VLLM) == ["active", "inactive"]


def test_to_vllm_and_back(site: Site) -> None:
    """Clients see the same name at the same address, before and after, and after going back."""
    host = site.hosts[0]
    old = current(host)
    site.want(f"({MIGRATED},)")
    done = site.run("main", "--limit", host.name)
    assert done.code == 0, done.said
    assert current(host).startswith("standin-0.32-")
    assert answered(host) == EXPECTED
    assert active(host, OLLAMA, VLLM) == ["inactive", "active"]
    assert enabled(host) == [VLLM]
    assert "ollama" not in host.run("ps -eo args").stdout

    back = site.run("rollback", "--limit", host.name)
    assert back.code == 0, back.said
    assert current(host) == old
    assert answered(host) == EXPECTED
    assert site.answers(host)
    assert active(host, OLLAMA, VLLM) == ["active", "inactive"]
    assert enabled(host) == [OLLAMA]


def active(host: LabHost, *units: str) -> list[str]:
    """Return the state of each unit."""
    return host.run(f"systemctl is-active {' '.join(units)}").stdout.split()


def enabled(host: LabHost) -> list[str]:
    """Return the units of instances that start with the host."""
    return host.run(
        "cd /etc/systemd/system/multi-user.target.wants; ls metalserve-*@*"
    ).stdout.split()
