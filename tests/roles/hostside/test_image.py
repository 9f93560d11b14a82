"""An image is brought as it is pinned, under one name of ours; and goes with its stack."""

import hashlib
from pathlib import Path
from typing import Any

import durable
import image
import jobs
import places
import progress
import prune
import pytest

from tests.standins.docker.daemon import Docker

NAME = "metalserve/lmdeploy-0.18-cuda:0123456789ab"
REFERENCE = f"openmmlab/lmdeploy@sha256:{'0' * 64}"
LOCK = "lmdeploy==0.18.0 --hash=sha256:00\n"


@pytest.fixture
def docker_(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Docker:
    """A Docker that has an image of somebody else's."""
    found = Docker(tmp_path)
    found.change(images={"nginx:1": "sha256:nginx"})
    for name, value in found.environment.items():
        monkeypatch.setenv(name, value)
    return found


@pytest.fixture
def plan(tree: Path) -> dict[str, Any]:
    """Bring a pulled image."""
    return {
        "name": "lmdeploy-0.18-cuda-0123456789ab",
        "folder": f"{places.stacks()}/lmdeploy-0.18-cuda-0123456789ab",
        "image": NAME,
        "reference": REFERENCE,
        "archive": None,
        "lock": None,
        "python": "3.12",
        "disk_gib": 0.001,
        "gpus": False,
        "packages": {"index": None, "folder": None, "proxy": None},
    }


@pytest.fixture
def archive(tmp_path: Path, plan: dict[str, Any]) -> Path:
    """The same from an archive, which lies in the folder of packages."""
    file = tmp_path / "base.tar"
    file.write_bytes(b"layers")
    digest = hashlib.sha256(b"layers").hexdigest()
    plan["archive"], plan["reference"] = {"file": file.name, "sha256": digest}, None
    plan["packages"] = {"index": None, "folder": str(tmp_path), "proxy": None}
    return file


def _bring(plan: dict[str, Any], tree: Path) -> str:
    return image._bring(plan, progress.Progress(str(tree)))


def _refused(plan: dict[str, Any], tree: Path) -> str:
    with pytest.raises(jobs.JobError) as refused:
        _bring(plan, tree)
    assert not Path(plan["folder"], "complete.json").exists()
    return str(refused.value)


def _marker(plan: dict[str, Any]) -> Any:
    return durable.read_json(plan["folder"] + "/complete.json")


def test_pulled(docker_: Docker, plan: dict[str, Any], tree: Path) -> None:
    """By its digest; the name that it came with goes again."""
    assert "brought in" in _bring(plan, tree)
    assert ["pull", "--quiet", REFERENCE] in docker_.told
    assert docker_.state["images"] == {"nginx:1": "sha256:nginx", NAME: "sha256:pulled"}
    marker = _marker(plan)
    assert (marker["image"], marker["id"]) == (NAME, "sha256:pulled")
    told = len(docker_.told)
    assert _bring(plan, tree) == "lmdeploy-0.18-cuda-0123456789ab is complete"
    assert len(docker_.told) == told


def test_name_that_was_there_before_stays(
    docker_: Docker, archive: Path, plan: dict[str, Any], tree: Path
) -> None:
    docker_.change(images={"lab/base:1": "sha256:loaded"})
    _bring(plan, tree)
    assert sorted(docker_.state["images"]) == ["lab/base:1", NAME]


def test_loaded(docker_: Docker, archive: Path, plan: dict[str, Any], tree: Path) -> None:
    _bring(plan, tree)
    assert docker_.state["images"] == {"nginx:1": "sha256:nginx", NAME: "sha256:loaded"}


def test_archives_that_are_not_loaded(
    docker_: Docker, archive: Path, plan: dict[str, Any], tree: Path
) -> None:
    docker_.change(archive=["a:1", "b:1"])
    assert _refused(plan, tree) == f"{archive} holds 2 images, one is right"
    archive.write_bytes(b"others")
    told = len(docker_.told)
    found = hashlib.sha256(b"others").hexdigest()
    assert _refused(plan, tree) == f"{archive} has sha256 {found}, another file is pinned"
    assert "load" not in [words[0] for words in docker_.told[told:]]
    plan["packages"]["folder"] = None
    assert _refused(plan, tree) == (
        "base.tar has no folder to lie in; name one in the host's packages"
    )


def test_built(docker_: Docker, archive: Path, plan: dict[str, Any], tree: Path) -> None:
    """Every package by its hash, from the folder; no container of it is left."""
    plan["lock"] = LOCK
    _bring(plan, tree)
    assert Path(plan["folder"], "lock.txt").read_text() == LOCK
    (run,) = [words for words in docker_.told if words[0] == "run" and "--name" in words]
    lock, folder = plan["folder"] + "/lock.txt", str(archive.parent)
    mounts = [run[index + 1] for index, word in enumerate(run) if word == "--volume"]
    assert mounts == [f"{lock}:{lock}:ro", f"{folder}:{folder}:ro"]
    pip = run[run.index(places.IN_IMAGE) + 1 :]
    assert pip[0] == "install"
    assert {"--require-hashes", "--only-binary=:all:", "--no-index"} <= set(pip)
    assert pip[pip.index("--find-links") + 1] == folder
    assert docker_.state["containers"] == {}
    assert docker_.state["images"][NAME] == "sha256:built"
    assert "lab/base:1" not in docker_.state["images"]


def test_index_and_proxy(plan: dict[str, Any], tree: Path) -> None:
    plan["packages"] = {
        "index": "https://mirror.example/simple", "folder": None, "proxy": "http://proxy:3128",
    }  # fmt: skip
    words = image.Bringing(plan, progress.Progress(str(tree))).pip()
    assert words[-4:] == [
        "--index-url", "https://mirror.example/simple", "--proxy", "http://proxy:3128",
    ]  # fmt: skip


def test_build_for_another_python(docker_: Docker, plan: dict[str, Any], tree: Path) -> None:
    plan["lock"] = LOCK
    docker_.change(python="3.11")
    assert _refused(plan, tree) == "the image has Python 3.11, the lock was made for 3.12"


def test_failed_build_leaves_no_container(
    docker_: Docker, plan: dict[str, Any], tree: Path
) -> None:
    plan["lock"] = LOCK
    docker_.change(fails={"commit": "no space left on device"})
    assert "docker commit: " in _refused(plan, tree)
    assert docker_.state["containers"] == {}
    assert REFERENCE not in docker_.state["images"]


def test_disk_that_is_too_small(docker_: Docker, plan: dict[str, Any], tree: Path) -> None:
    plan["disk_gib"] = 1e6
    assert _refused(plan, tree).startswith(
        f"it takes 1000000.0 GiB, the disk of {docker_.folder} has "
    )
    assert [words[0] for words in docker_.told] == ["info"]


def test_registry_that_refuses(docker_: Docker, plan: dict[str, Any], tree: Path) -> None:
    docker_.change(fails={"pull": "manifest unknown"})
    assert _refused(plan, tree) == ("pulling failed:\nError response from daemon: manifest unknown")


def test_docker_that_is_not_there(
    docker_: Docker, plan: dict[str, Any], tree: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tree))
    assert _refused(plan, tree) == (
        "docker is not installed; put docker.io and docker-compose into the stack's os_packages"
    )


def test_gpus_are_tried(docker_: Docker, plan: dict[str, Any], tree: Path) -> None:
    """Docker that was started before the toolkit came is restarted, unless others run in it."""
    plan["gpus"] = True
    docker_.change(gpus=False, containers={"theirs": {}})
    assert "which is not done here as others run in it" in _refused(plan, tree)
    docker_.change(gpus=True)
    _bring(plan, tree)
    assert _marker(plan)["id"] == "sha256:pulled"


def test_image_goes_with_its_stack(docker_: Docker, plan: dict[str, Any], tree: Path) -> None:
    _bring(plan, tree)
    docker_.change(fails={"rmi": "conflict: container 5f2b is using it"})
    with pytest.raises(OSError, match=r"docker rmi: .*container 5f2b is using it"):
        prune.remove(plan["folder"])
    docker_.change(fails={})
    # Nobody finds it any more; the next time it goes.
    assert not Path(plan["folder"]).exists()
    prune.remove(plan["folder"] + ".gone")
    assert docker_.state["images"] == {"nginx:1": "sha256:nginx"}
    assert not Path(plan["folder"] + ".gone").exists()
    # A stack of packages knows nothing of Docker.
    venv = Path(places.stacks(), "vllm")
    venv.mkdir()
    durable.write_json(f"{venv}/complete.json", {"at": "now"})
    told = len(docker_.told)
    prune.remove(str(venv))
    assert len(docker_.told) == told
