"""A container of ours is its unit's, whatever control group Docker puts it into."""

import json
from pathlib import Path

import containers
import places
import ports
import processes
import pytest

ID = "5f2b" * 16
UNIT = "metalserve-lmdeploy-compose@chat.service"


@pytest.fixture(autouse=True)
def noted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the unit of a container wrote down, and what another is about to."""
    monkeypatch.setattr(places, "RUN", str(tmp_path / "run"))
    note = Path(places.container("chat"))
    note.parent.mkdir(parents=True)
    note.write_text(json.dumps({"id": ID, "unit": UNIT, "port": 8000}))
    other = Path(places.container("other"))
    other.parent.mkdir()
    other.write_text("{")


@pytest.mark.parametrize(
    ("cgroup", "unit"),
    [
        (f"0::/system.slice/docker-{ID}.scope\n", UNIT),
        (f"12:devices:/docker/{ID}\n0::/\n", UNIT),
        (f"0::/docker/{'0' * 64}\n", None),
        (f"0::/system.slice/docker-{'0' * 64}.scope\n", f"docker-{'0' * 64}.scope"),
    ],
)
def test_process_in_a_container(tmp_path: Path, cgroup: str, unit: str | None) -> None:
    (tmp_path / "proc/7").mkdir(parents=True)
    (tmp_path / "proc/7/cgroup").write_text(cgroup)
    assert processes.unit_of(7, str(tmp_path)) == unit


def test_port_that_docker_listens_on() -> None:
    """The program that listens is Docker's, the port is the instance's."""
    proxy = {"pid": 7, "process": "docker-proxy", "unit": "docker.service"}
    assert ports._published(dict(proxy, port=8000))["unit"] == UNIT
    assert ports._published(dict(proxy, port=8001))["unit"] == "docker.service"
    other = {"pid": 8, "process": "nginx", "unit": "nginx.service", "port": 8000}
    assert ports._published(other)["unit"] == "nginx.service"


def test_nothing_runs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(places, "RUN", str(tmp_path / "none"))
    assert containers.unit_of(f"docker-{ID}.scope") is None
    assert containers.publishing(8000) is None
