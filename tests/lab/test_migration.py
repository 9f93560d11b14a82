"""
From Ollama to vLLM and back: one instance, one address, the same name that clients ask for.

Both engines are stand-ins (``tests/standins``); what installs, starts, switches, goes back is not.
"""

from collections.abc import Callable

import pytest

from tests.lab.ollama_site import EXPECTED, OLLAMA, VLLM, active, answered, defined, enabled
from tests.lab.site import Site, changes, current, sessions, transaction

pytestmark = pytest.mark.lab

# Ollama does not say what it has in flight, and is given all the time that there is for that.
MOVED = "_instance(model='qwen3:8b', api_key=None, drain_within_s=2,"


@pytest.fixture(scope="module")
def site(make_site: Callable[..., Site]) -> Site:
    """A site whose first host came bare and serves ``chat`` with Ollama."""
    made = make_site()
    made.imports = defined(made)
    made.want("(_ollama,)")
    done = made.run("main")
    assert done.code == 0, done.said
    return made


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
    dies = """('--hf-overrides', '{"standin": {"die_at_start": "CUDA out of memory"}}')"""
    site.want(f"({MOVED} extra={dies}),)")
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
    site.want(f"({MOVED}),)")
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
