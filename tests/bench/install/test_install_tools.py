"""Each tool installs into folders of its own, from the same lock, and leaves nothing of it."""

import subprocess
from typing import Any

import pytest

from bench.install import tools
from bench.install.tools import TOOLS, Ours, Pip, Uv
from bench.spent import Spent
from roles.lab import LabError

DONE = Spent(1.0, 0.5, 10.0, 0.7, 20.0, "said")


class Host:
    """A host that does as it is told."""

    name, address, key, known_hosts = "bench-1", "10.87.1.2", "key", "known"

    def __init__(self) -> None:
        self.commands: list[str] = []
        self.said: tuple[int, str, str] = (0, "", "")

    def run(self, command: str, timeout_s: float = 0) -> subprocess.CompletedProcess[str]:
        """See ``LabHost``."""
        self.commands.append(command)
        return subprocess.CompletedProcess([], *self.said)


class Site:
    """A site of that host."""

    inventory, environment = "site.py", {"TEST_API_KEY": "sk-1"}

    def __init__(self) -> None:
        self.hosts, self.wanted = [Host()], ""

    def want(self, wanted: str) -> None:
        """See ``Site``."""
        self.wanted = wanted


@pytest.fixture
def site() -> Any:
    """The site."""
    return Site()


@pytest.fixture
def ran(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """What was measured."""
    seen: list[list[str]] = []

    def spent(words: list[str], host: object, **_: object) -> Spent:
        seen.append(words)
        return DONE

    monkeypatch.setattr(tools, "spent", spent)
    return seen


def test_tools_share_no_folder() -> None:
    folders = [folder for tool in (Ours, Uv, Pip) for folder in tool.folders]
    assert len(set(folders)) == len(folders) == 6
    assert list(TOOLS) == ["metalserve", "uv", "pip"]


@pytest.mark.parametrize("kind", [Uv, Pip])
def test_warm_keeps_the_cache(kind: type[Any], site: Any, ran: list[list[str]]) -> None:
    tool, host = kind(site), site.hosts[0]
    venv, cache = tool.folders
    assert tool.warm() is DONE
    assert host.commands[0] == f"rm -rf {venv}/* {venv}/.[!.]* && sync"
    *_, command = ran[0]
    assert cache in command
    assert f"test -x {venv}/bin/python || " in command
    assert "--require-hashes" in command
    assert command.endswith("/srv/lock.txt")


def test_clear_takes_the_cache_too(site: Any) -> None:
    Pip(site).clear()
    assert "/srv/pip/cache/*" in site.hosts[0].commands[0]
    Ours(site).clear()
    assert "/opt/metalserve/tools/*" in site.hosts[0].commands[1]


def test_ours_has_to_install(site: Any, ran: list[list[str]]) -> None:
    with pytest.raises(LabError, match="nothing was installed:\nsaid"):
        Ours(site).cold()
    assert ran[0][1:] == ["-y", "site.py", "bench/install/deploy.py"]
    assert site.wanted == "(_instance(),)"


def test_second_instance_installs_nothing(
    site: Any, ran: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Ours(site).second() is DONE
    assert site.wanted == "(_instance(), _instance(name='other', port=8001))"
    again = Spent(1, 1, 1, 1, 1, "[bench-1] vllm-0.32-cpu-1 installed in 61 s")
    monkeypatch.setattr(tools, "spent", lambda *_, **__: again)
    with pytest.raises(LabError, match=r"was not to install anything:\n.* in 61 s"):
        Ours(site).second()


def test_packages_are_counted(site: Any) -> None:
    site.hosts[0].said = (0, "171\n", "")
    assert Pip(site).packages() == 171
    site.hosts[0].said = (1, "", "no such folder")
    with pytest.raises(LabError, match=r"bench-1: find /srv/pip/venv .*: no such folder"):
        Pip(site).packages()


def test_room_for_the_largest_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def refuse(gib: float, what: str) -> None:
        asked.append((gib, what))
        raise LabError("full")

    monkeypatch.setattr(tools, "refuse_full_disk", refuse)
    for names in (["uv"], ["uv", "pip"], ["metalserve", "pip"]):
        with pytest.raises(LabError, match="full"), tools.site(names):
            pass
    assert asked == [(8, "uv"), (12, "uv, pip"), (13, "metalserve, pip")]
