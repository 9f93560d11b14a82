"""The fleet that the bench wants is one that loads, and its releases differ on every host."""

import json
from pathlib import Path
from typing import Any

import pytest

from bench.fleet import wanted
from roles.release.release import Release
from roles.spec import HostSpec


@pytest.fixture
def told(tmp_path: Path) -> dict[str, Any]:
    lock = tmp_path / "lock.txt"
    lock.write_text(f"vllm==0.32.0 --hash=sha256:{'0' * 64}\n")
    return {
        "real": "fleet-3",
        "serving": ["fleet-1", "fleet-2", "fleet-3"],
        "gateways": ["fleet-4", "fleet-5"],
        "clients": ["client-1", "client-2"],
        "connections": {f"fleet-{n}": {"ssh_hostname": f"10.0.0.{n}"} for n in range(1, 6)},
        "lock": str(lock),
        "proxy": "http://10.0.0.254:3128",
    }


def specs(told: dict[str, Any], file: Path, release: str) -> dict[str, HostSpec]:
    file.write_text(json.dumps(told | {"release": release}))
    return {name: data["spec"] for name, data in wanted.hosts(file)}


def test_what_each_host_is(told: dict[str, Any], tmp_path: Path) -> None:
    found = specs(told, tmp_path / "wanted.json", wanted.OLD)
    stacks = {name: [one.stack.name for one in spec.instances] for name, spec in found.items()}
    assert stacks == {
        "fleet-1": ["standin-0.32"],
        "fleet-2": ["standin-0.32"],
        "fleet-3": ["vllm-0.32-cpu"],
        "fleet-4": [],
        "fleet-5": [],
    }
    gateway = found["fleet-5"].gateway
    assert gateway is not None
    # By its own name each, as the gateway's log calls them.
    assert [client.name for client in gateway.clients] == ["client-1", "client-2"]
    assert [client.key.env for client in gateway.clients] == [
        "BENCH_CLIENT_1_KEY",
        "BENCH_CLIENT_2_KEY",
    ]


def test_releases(told: dict[str, Any], tmp_path: Path) -> None:
    found = {
        name: specs(told, tmp_path / "wanted.json", name)
        for name in (wanted.OLD, wanted.NEW, wanted.BAD)
    }
    for host in told["serving"]:
        names = {
            Release(spec=one[host], instance=one[host].instances[0]).name for one in found.values()
        }
        assert len(names) == len(found), names
    assert "fish" in found[wanted.BAD]["fleet-1"].instances[0].model_dump_json()
    assert "rms_norm_eps" in found[wanted.BAD]["fleet-3"].instances[0].model_dump_json()
