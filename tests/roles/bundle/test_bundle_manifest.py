"""The manifest of a bundle names what is in it, and finds what is not as it says."""

import hashlib
import subprocess
from pathlib import Path
from typing import Any

import pytest

from roles.bundle import manifest
from roles.bundle.asked import BundleError


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle of two wheels."""
    _written(tmp_path, "one.whl", "two.whl")
    return tmp_path


def _written(folder: Path, *names: str) -> int:
    (folder / "wheels").mkdir(exist_ok=True)
    files: list[dict[str, Any]] = []
    for name in names:
        (folder / "wheels" / name).write_text(name)
        files.append({"path": name, "sha256": hashlib.sha256(name.encode()).hexdigest()})
    plan = {"folder": str(folder / "wheels"), "files": files}
    return manifest.write(folder, [plan], {"README": "read me\n"})


def test_as_sha256sum_reads_it(bundle: Path) -> None:
    lines = (bundle / "SHA256SUMS").read_text().splitlines()
    assert [line.partition("  ")[2] for line in lines] == [
        "README", "wheels/one.whl", "wheels/two.whl",
    ]  # fmt: skip
    subprocess.run(["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=bundle, check=True)
    assert manifest.verify(bundle) == 3


def test_what_was_there_before_stays_listed(bundle: Path) -> None:
    (bundle / "wheels/two.whl").unlink()
    assert _written(bundle, "three.whl") == 3
    assert "one.whl" in (bundle / "SHA256SUMS").read_text()
    assert "two.whl" not in (bundle / "SHA256SUMS").read_text()
    assert manifest.verify(bundle) == 3


def test_what_is_wrong_is_named(bundle: Path) -> None:
    (bundle / "wheels/one.whl").write_text("onE.whl")
    (bundle / "wheels/two.whl").unlink()
    (bundle / "wheels/three.whl").write_text("")
    with pytest.raises(BundleError) as refused:
        manifest.verify(bundle)
    assert str(refused.value).splitlines() == [
        f"{bundle} is not whole:",
        "wheels/three.whl is not in the manifest",
        "wheels/one.whl: FAILED",
        "wheels/two.whl: FAILED open or read",
    ]


def test_folder_that_is_no_bundle(tmp_path: Path) -> None:
    with pytest.raises(BundleError) as refused:
        manifest.verify(tmp_path)
    assert str(refused.value) == (
        f"{tmp_path} holds no SHA256SUMS: it is no bundle, or was never completed"
    )
