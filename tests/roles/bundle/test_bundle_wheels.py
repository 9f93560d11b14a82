"""Which wheels fit a host, told by an index for another Python than the one that asks."""

from pathlib import Path

import pytest

from roles.bundle import wheels
from roles.bundle.asked import BundleError
from tests.standins.index import Index, sha256, wheel

FITTING = (
    "cp312-cp312-manylinux_2_17_x86_64",
    "cp312-cp312-manylinux_2_34_x86_64",
    "cp39-abi3-manylinux_2_28_x86_64",
    "py3-none-any",
)
OTHERS = (
    "cp311-cp311-manylinux_2_17_x86_64",
    "cp312-cp312-musllinux_1_2_x86_64",
    "cp312-cp312-manylinux_2_17_aarch64",
    "cp312-cp312-win_amd64",
    "cp312-cp312-macosx_11_0_arm64",
)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The wheels of one package for every platform, and uv with nothing in its cache."""
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("UV_HTTP_RETRIES", "0")
    made = tmp_path / "index"
    made.mkdir()
    for tag in (*FITTING, *OTHERS):
        wheel(made, "fast-math", "1.5", tag)
    return made


def _lock(*files: Path, name: str = "fast-math==1.5") -> str:
    hashes = " \\\n    ".join(f"--hash=sha256:{sha256(file)}" for file in files)
    return f"{name} \\\n    {hashes}\n"


@pytest.mark.parametrize("sized", [True, False], ids=["json", "html"])
def test_every_wheel_that_fits(folder: Path, sized: bool) -> None:
    with Index(folder, sized=sized) as index:
        found = wheels.listed(
            _lock(*folder.iterdir()), python="3.12", arch="x86_64", index=index.url
        )
    names = [f"fast_math-1.5-{tag}.whl" for tag in FITTING]
    assert sorted(file["path"] for file in found) == sorted(names)
    for file in found:
        there = folder / file["path"]
        assert file == {
            "path": there.name,
            "size": there.stat().st_size,
            "sha256": sha256(there),
            "at": f"{index.origin}/files/{there.name}",
        }


def test_only_what_the_lock_pins(folder: Path) -> None:
    pinned = folder / f"fast_math-1.5-{FITTING[0]}.whl"
    with Index(folder) as index:
        (found,) = wheels.listed(_lock(pinned), python="3.12", arch="x86_64", index=index.url)
    assert found["path"] == pinned.name


def test_wheels_of_another_machine(folder: Path) -> None:
    lock = _lock(*folder.iterdir())
    with Index(folder) as index:
        found = wheels.listed(lock, python="3.12", arch="aarch64", index=index.url)
    assert sorted(file["path"] for file in found) == [
        "fast_math-1.5-cp312-cp312-manylinux_2_17_aarch64.whl",
        "fast_math-1.5-py3-none-any.whl",
    ]


def test_index_with_other_files_than_the_lock(folder: Path, tmp_path: Path) -> None:
    other = wheel(tmp_path, "fast-math", "1.5", "py3-none-any", b"other")
    with Index(folder) as index, pytest.raises(BundleError) as refused:
        wheels.listed(_lock(other), python="3.12", arch="x86_64", index=index.url)
    assert "fast-math" in str(refused.value)


def test_index_that_lacks_a_package(folder: Path) -> None:
    (file, *_) = folder.iterdir()
    lock = _lock(file, name="slow-math==2.0")
    with Index(folder) as index, pytest.raises(BundleError) as refused:
        wheels.listed(lock, python="3.12", arch="x86_64", index=index.url)
    assert str(refused.value).startswith("the package index has not all of the lock: ")
    assert "slow-math" in str(refused.value)


def test_index_that_is_no_index(folder: Path) -> None:
    with pytest.raises(BundleError, match="the package index has not all of the lock: "):
        wheels.listed(
            _lock(*folder.iterdir()),
            python="3.12",
            arch="x86_64",
            index="http://127.0.0.1:9/simple",
        )


def test_file_without_a_url() -> None:
    with pytest.raises(BundleError) as refused:
        wheels._file("fast-math 1.5", {"path": "../x.whl", "hashes": {"sha256": "0" * 64}})
    assert str(refused.value) == "fast-math 1.5 is at ../x.whl, should be at a URL of an index"
