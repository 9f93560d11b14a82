"""The fabric manager is told of where there is something to manage, or where it is installed."""

import os
from pathlib import Path

import fabric_manager
import pytest
import service

_GPU, _SWITCH = {"what": "NVIDIA GPU"}, {"what": "NVSwitch"}


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A host with the fabric manager installed, and its program first on the path."""
    unit = tmp_path / "usr/lib/systemd/system" / fabric_manager.UNIT
    unit.parent.mkdir(parents=True)
    unit.write_text("[Service]\n")
    monkeypatch.setattr(service, "active", lambda unit: unit == fabric_manager.UNIT)
    _program(tmp_path, "printf 'Fabric Manager version is : 580.95.05\\n'")
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return tmp_path


def _program(folder: Path, said: str) -> None:
    program = folder / "nv-fabricmanager"
    program.write_text(f'#!/bin/sh\n[ "$1" = --version ] || exit 9\n{said}\n')
    program.chmod(0o755)


def test_nothing_to_manage(tmp_path: Path) -> None:
    assert fabric_manager.read([_GPU], root=str(tmp_path)) is None


def test_switches_without_a_manager(tmp_path: Path) -> None:
    assert fabric_manager.read([_GPU, _SWITCH], root=str(tmp_path)) == {
        "unit": "nvidia-fabricmanager.service", "active": False, "version": None,
    }  # fmt: skip


@pytest.mark.parametrize("cards", [[], [_GPU, _SWITCH]])
def test_installed(root: Path, cards: list[dict[str, str]]) -> None:
    assert fabric_manager.read(cards, root=str(root)) == {
        "unit": "nvidia-fabricmanager.service", "active": True, "version": "580.95.05",
    }  # fmt: skip


def test_installed_and_stopped(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(service, "active", lambda unit: False)
    found = fabric_manager.read([_SWITCH], root=str(root))
    assert found is not None
    assert found["active"] is False


def test_host_without_systemd(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(unit: str) -> bool:
        raise FileNotFoundError("systemctl")

    monkeypatch.setattr(service, "active", missing)
    found = fabric_manager.read([_SWITCH], root=str(root))
    assert found is not None
    assert found["active"] is False


@pytest.mark.parametrize("said", ["echo usage >&2; exit 1", "echo Fabric Manager version is : ?"])
def test_version_that_is_not_told(root: Path, said: str) -> None:
    _program(root, said)
    found = fabric_manager.read([_SWITCH], root=str(root))
    assert found is not None
    assert found["version"] is None
