"""Vendors' files come to a host once, whole, and only where there is room."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import Host
from pyinfra.connectors.util import CommandOutput, OutputLine

from roles.platform import PlatformError, Step, files, line
from roles.spec import Folder, HostFolder, HostSpec, Installer
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns

RUN = "NVIDIA-Linux-x86_64-580.95.05.run"
PIN = Installer(file=RUN, sha256="ab" * 32)
TARGET = f"/opt/metalserve/cache/installers/abababababab-{RUN}"
MKDIR = (
    "install --directory --owner=root --group=root --mode=700 /opt/metalserve/cache/installers"
    f" && stat --format=%s:%n {TARGET} 2>/dev/null || true"
)


def _step(installer: Installer | None = PIN) -> Step:
    return Step(name="driver", words=("sh", "{file}"), timeout_s=1, installer=installer)


class Played:
    """A host that has files, takes them, and says what it was told."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sizes: dict[str, int] = {}
        self.told: list[str] = []
        self.fails: list[Callable[[], bool]] = []
        monkeypatch.setattr(Host, "put_file", lambda _, src, dest, **__: self.put(src, dest))
        monkeypatch.setattr(Host, "run_shell_command", self.run)

    def put(self, source: str, target: str) -> bool:
        self.told.append(f"put {Path(source).name} {target}")
        return self.fails.pop(0)() if self.fails else True

    def run(self, command: Any, **arguments: Any) -> tuple[bool, CommandOutput]:
        self.told.append(command.get_raw_value())
        lines = [OutputLine("stdout", f"{size}:{name}") for name, size in self.sizes.items()]
        return True, CommandOutput(lines)


@pytest.fixture
def played(monkeypatch: pytest.MonkeyPatch) -> Played:
    return Played(monkeypatch)


@pytest.fixture
def spec(nouns: Nouns, tmp_path: Path) -> HostSpec:
    """A host whose files are in a folder of this machine."""
    folder = tmp_path / "vendors"
    folder.mkdir()
    (folder / RUN).write_bytes(b"x" * (3 << 20))
    return nouns.host(installers=Folder(path=folder))


def _bring(spec: HostSpec, *steps: Step, found: Any = None) -> None:
    with on_host(spec, bare()) as host:
        files.bring(host, spec, steps, found or bare())


def test_file_is_sent(spec: HostSpec, played: Played, echoed: list[str]) -> None:
    """Under another name, so that what has its name is whole."""
    _bring(spec, _step(None), _step())
    move = f"mv -f {TARGET}.partial {TARGET}"
    assert played.told == [MKDIR, f"put {RUN} {TARGET}.partial", move]
    assert echoed[-1].endswith(f"sending {RUN}, 3 MiB")


@pytest.mark.parametrize(("size", "sent"), [(3 << 20, False), (5, True)])
def test_file_that_is_there(size: int, sent: bool, spec: HostSpec, played: Played) -> None:
    played.sizes = {TARGET: size}
    _bring(spec, _step())
    assert (f"put {RUN} {TARGET}.partial" in played.told) is sent


def test_nothing_is_asked_where_no_step_has_a_file(spec: HostSpec, played: Played) -> None:
    _bring(spec, _step(None))
    assert played.told == []


def test_folder_of_the_host(nouns: Nouns, played: Played) -> None:
    """The files are used where they lie."""
    spec = nouns.host(installers=HostFolder(path="/mnt/vendors"))
    _bring(spec, _step())
    assert played.told == []
    assert files.path(spec, PIN) == f"/mnt/vendors/{RUN}"


def test_no_folder(nouns: Nouns) -> None:
    with pytest.raises(PlatformError, match=f"{RUN} is wanted, and the host names no installers"):
        files.path(nouns.host(), PIN)


def test_file_that_is_not_here(spec: HostSpec, played: Played) -> None:
    assert isinstance(spec.installers, Folder)
    (spec.installers.path / RUN).unlink()
    with pytest.raises(PlatformError) as error:
        _bring(spec, _step())
    assert str(error.value) == (
        f"{spec.installers.path / RUN} does not exist on this machine; put the vendor's file there"
    )
    assert played.told == []


def test_disk_that_is_too_small(spec: HostSpec, played: Played) -> None:
    found = bare()
    found["disks"]["/opt/metalserve"]["free_mib"] = 2
    with pytest.raises(PlatformError) as error:
        _bring(spec, _step(), found=found)
    assert str(error.value) == (
        "the vendor's files take 3 MiB, /opt/metalserve has 2 free; free some"
    )
    assert played.told == [MKDIR]


def _cut() -> bool:
    raise OSError("Socket is closed")


def test_connection_lost_while_it_is_sent(
    spec: HostSpec, played: Played, echoed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "up", lambda _: True)
    played.fails = [_cut]
    _bring(spec, _step())
    assert [words for words in played.told if words.startswith("put")] == [
        f"put {RUN} {TARGET}.partial"
    ] * 2
    assert echoed[-1].endswith(f"{RUN} did not arrive (Socket is closed)")


@pytest.mark.parametrize(("up", "tries"), [(True, 3), (False, 1)])
def test_file_that_does_not_arrive(
    up: bool, tries: int, spec: HostSpec, played: Played, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(line, "up", lambda _: up)
    played.fails = [_cut, lambda: False, _cut]
    with pytest.raises(PlatformError) as error:
        _bring(spec, _step())
    assert str(error.value) == f"{RUN} did not arrive in {tries} tries; nothing was changed"
    assert not any(words.startswith("mv") for words in played.told)
