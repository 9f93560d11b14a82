"""A bundle that cannot be made says why, and ends the run with a failure."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import FunctionCommand

from roles.bundle import operations
from tests.roles.faked import bare, on_host
from tests.roles.spec.nouns import Nouns


def _done(nouns: Nouns, operation: Any, **data: str) -> bool:
    (command,) = operation._inner(data=data)
    assert isinstance(command, FunctionCommand)
    with on_host(nouns.chat(), bare()) as host:
        return bool(command.execute(host.state, host, {}))


def _said(echoed: list[str]) -> list[str]:
    return [line.split("] ", 1)[-1] for line in echoed]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "inventory: {file} has no host with a spec"),
        (
            "from roles.spec import *\ninventory({'a': HostSpec(accelerator='tpu')})",
            "1 fault in the inventory\n"
            "  a/accelerator: is 'tpu', should be 'cuda', 'ascend' or 'cpu'",
        ),
    ],
)
def test_inventory_that_cannot_be_read(
    nouns: Nouns, tmp_path: Path, echoed: list[str], text: str, said: str
) -> None:
    file = tmp_path / "site.py"
    file.write_text(text)
    given = {"inventory": str(file), "folder": str(tmp_path / "bundle")}
    assert _done(nouns, operations.complete_bundle, **given) is False
    assert _said(echoed) == [said.format(file=file)]
    assert not (tmp_path / "bundle").exists()


def _site(tmp_path: Path, config: bytes) -> dict[str, str]:
    """Return what asks for one installer, which is what a fleet without instances may need."""
    run = "NVIDIA-Linux-x86_64-580.95.05.run"
    (tmp_path / "drivers").mkdir()
    (tmp_path / "drivers" / run).write_bytes(config)
    (tmp_path / "site.py").write_text(
        "from roles.spec import *\n"
        f"one = Installer(file={run!r}, sha256={hashlib.sha256(b'right').hexdigest()!r})\n"
        "driver = CudaDriver(version='580.95.05', source=DriverRunFile(installer=one))\n"
        f"place = HostFolder(path={str(tmp_path / 'drivers')!r})\n"
        "spec = HostSpec(accelerator=Accelerator.CUDA, driver=driver, installers=place)\n"
        "(hosts,) = inventory({'a': spec})\n"
    )
    return {"inventory": str(tmp_path / "site.py"), "folder": str(tmp_path / "bundle")}


def test_bundle_of_one_installer(nouns: Nouns, tmp_path: Path, echoed: list[str]) -> None:
    given = _site(tmp_path, b"right")
    assert _done(nouns, operations.complete_bundle, **given) is True
    assert _said(echoed)[-1] == f"{tmp_path}/bundle is complete: 2 files, see its README"
    assert _done(nouns, operations.right_bundle, folder=given["folder"]) is True
    assert _said(echoed)[-1] == f"{tmp_path}/bundle: 2 files are as its manifest says"


def test_installer_that_this_machine_has_not_got(
    nouns: Nouns, tmp_path: Path, echoed: list[str]
) -> None:
    given = _site(tmp_path, b"right")
    file = next((tmp_path / "drivers").iterdir())
    file.unlink()
    assert _done(nouns, operations.complete_bundle, **given) is True
    place = tmp_path / "bundle"
    assert _said(echoed)[-2:] == [
        f"{file.name} is not on this machine: put it into {place}/installers, run again",
        f"{place} is complete but for the 1 named above: 1 files, see its README",
    ]
    assert f"  {file.name}" in (place / "README").read_text().splitlines()


def test_file_that_is_another(nouns: Nouns, tmp_path: Path, echoed: list[str]) -> None:
    given = _site(tmp_path, b"wrong")
    assert _done(nouns, operations.complete_bundle, **given) is False
    said = _said(echoed)
    assert said[-1] == "the bundle is not complete, why is said above; run again to go on"
    assert any("580.95.05.run has sha256 " in line for line in said)
    assert _done(nouns, operations.right_bundle, folder=given["folder"]) is False
    assert "holds no SHA256SUMS" in _said(echoed)[-1]
