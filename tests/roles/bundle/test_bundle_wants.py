"""What an inventory needs, as plans: each thing once, from where the control machine has it."""

from ipaddress import IPv4Network
from pathlib import Path
from typing import Any

import pytest

from roles import aisbench, engine
from roles import weights as weights_role
from roles.bundle import readme, wheels
from roles.bundle.wants import lacking, wants
from roles.spec import (
    Accelerator,
    Archive,
    Benchmark,
    Bundle,
    CudaDriver,
    DriverRunFile,
    Folder,
    HostFolder,
    HostSpec,
    HttpFolder,
    HuggingFace,
    Installer,
    Lock,
    Secret,
    Spread,
)
from tests.roles.spec.nouns import HASH, Nouns

BUNDLE = Path("/mnt/bundle")
COMMIT = "0123456789abcdef" * 2 + "01234567"
TOKEN = "hf_kX82LmWq04TzRbYv"
Asked = tuple[str, str, str, str | None]
RUN = "NVIDIA-Linux-x86_64-580.95.05.run"


@pytest.fixture(autouse=True)
def listed(monkeypatch: pytest.MonkeyPatch) -> list[Asked]:
    """The index, and what it was asked."""
    asked: list[Asked] = []

    def tell(lock: str, *, python: str, arch: str, index: str | None) -> list[dict[str, Any]]:
        asked.append((lock, python, arch, index))
        name = f"wheel-{len(asked)}.whl"
        shared = {"path": "shared.whl", "size": 5, "sha256": HASH, "at": "http://index/shared"}
        return [shared, {"path": name, "size": 7, "sha256": HASH, "at": f"http://index/{name}"}]

    monkeypatch.setattr(wheels, "listed", tell)
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.delenv(name, raising=False)
    return asked


def test_wheels_of_every_stack_once(nouns: Nouns, listed: list[Asked]) -> None:
    hosts = [nouns.chat(), nouns.chat(), nouns.chat(name="draw")]
    (plan, shown), _ = wants(hosts, BUNDLE, index="http://index/simple")
    lock = nouns.lock().text
    uv = engine.INSTALLER.read_text()
    assert listed == [
        (lock, "3.12", "x86_64", "http://index/simple"),
        (uv, "3.12", "x86_64", "http://index/simple"),
    ]  # fmt: skip
    assert [file["path"] for file in plan["files"]] == ["shared.whl", "wheel-1.whl", "wheel-2.whl"]
    assert (plan["folder"], plan["model"], shown) == ("/mnt/bundle/wheels", False, {})
    assert plan["sources"] == [{"name": "the package index", "url": ""}]


def test_what_spreads_weights_for_every_python_that_a_host_may_have(
    nouns: Nouns, listed: list[Asked]
) -> None:
    spread = Spread(network=IPv4Network("10.0.0.0/16"))
    list(wants([nouns.host(nouns.instance(), spread=spread)], BUNDLE, index=None))
    asked = [python for lock, python, *_ in listed if lock.startswith("libtorrent==")]
    assert asked == ["3.9", "3.10", "3.11", "3.12", "3.13"]


def test_wheels_for_the_machine_of_each_stack(nouns: Nouns, listed: list[Asked]) -> None:
    """What installs stacks and what spreads weights come for each of them, too."""
    arm = nouns.stack(name="arm", lock=Lock(file=nouns.file("arm.txt", "arm"), arch="aarch64"))
    spread = Spread(network=IPv4Network("10.0.0.0/16"))
    hosts = [nouns.chat(), nouns.host(nouns.instance(stack=arm), spread=spread)]
    list(wants(hosts, BUNDLE, index=None))
    asked = [(lock.partition("==")[0], arch) for lock, _, arch, _ in listed]
    name = nouns.lock().text.partition("==")[0]
    assert asked == [
        (name, "x86_64"), ("arm", "aarch64"), ("uv", "x86_64"), ("uv", "aarch64"),
        *[("libtorrent", "aarch64")] * 5,
    ]  # fmt: skip


def test_what_measures_instances_for_the_python_of_their_hosts(
    nouns: Nouns, listed: list[Asked]
) -> None:
    hosts = [nouns.chat(benchmark=Benchmark()), nouns.chat(benchmark=Benchmark())]
    list(wants(hosts, BUNDLE, index=None))
    lock = aisbench.LOCK.read_text()
    asked = [(python, arch) for one, python, arch, _ in listed if one == lock]
    assert asked == [("3.12", "x86_64")]
    listed.clear()
    list(wants([nouns.chat()], BUNDLE, index=None))
    assert len(listed) == 2


def test_archive_of_a_stack_once(nouns: Nouns) -> None:
    spec = nouns.host(nouns.ollama(), nouns.ollama(name="draw", port=8001, devices=(1,)))
    plans = [plan for plan, _ in wants([spec], BUNDLE, index=None) if plan["name"] == "archives"]
    archive = nouns.ollama_stack().lock
    assert isinstance(archive, Archive)
    ((plan,), (source,)) = plans, archive.sources
    assert plan["folder"] == "/mnt/bundle/archives"
    assert plan["files"] == [{"path": archive.file, "size": archive.size, "sha256": archive.sha256}]
    assert [one["name"] for one in plan["sources"]] == [
        weights_role.planned(source, part="archives", incoming="")["name"]
    ]


def test_archive_that_hosts_take_from_the_bundle(nouns: Nouns) -> None:
    """As the bundle's own README says it; the bundle is no source of itself."""
    sources = (Bundle(path="/mnt/bundle"), HttpFolder(url="http://depot/ollama"))
    stack = nouns.ollama_stack(sources=sources)
    spec = nouns.host(nouns.ollama(stack=stack))
    assert spec.faults() == []
    assert weights_role.planned(sources[0], part="archives", incoming="") == {
        "name": "the bundle /mnt/bundle", "folder": "/mnt/bundle/archives",
    }  # fmt: skip
    plans = [plan for plan, _ in wants([spec], BUNDLE, index=None)]
    (plan,) = [plan for plan in plans if plan["name"] == "archives"]
    assert plan["sources"] == [{"name": "http://depot/ollama", "url": "http://depot/ollama/"}]
    said = readme.text("prod.py", [spec], plans, []).splitlines()
    assert '  Archive(sources=(Bundle(path="/mnt/bundle"), ...), ...)' in said


def test_weights_from_their_own_sources(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    """The bundle is none of them, and tokens stay beside the plan."""
    monkeypatch.setenv("BUNDLE_TOKEN", TOKEN)
    weights = nouns.weights(
        sources=(
            Bundle(path="/mnt/bundle"),
            HuggingFace(repo="a/b", revision=COMMIT, token=Secret(env="BUNDLE_TOKEN")),
        )
    )
    _, (plan, shown) = wants([nouns.chat(weights=weights)], BUNDLE, index=None)
    below = f"https://huggingface.co/a/b/resolve/{COMMIT}/"
    assert plan == {
        "name": "qwen3-8b",
        "model": True,
        "folder": f"/mnt/bundle/weights/qwen3-8b/{weights.digest[:12]}",
        "sources": [{"name": f"Hugging Face a/b {COMMIT[:12]}", "url": below}],
        "files": [file.model_dump() for file in weights.files],
        "limit_mib_s": None,
        "proxy": None,
    }
    assert shown == {"0": {"Authorization": f"Bearer {TOKEN}"}}


def test_weights_of_a_folder_here(nouns: Nouns) -> None:
    _, (plan, _) = wants([nouns.chat()], BUNDLE, index=None)
    there = str(nouns.folder)
    assert plan["sources"] == [{"name": f"{there} of the control machine", "folder": there}]


def test_proxy_of_this_machine(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://proxy:3128")
    found = wants([nouns.chat()], BUNDLE, index=None)
    assert {plan["proxy"] for plan, _ in found} == {"http://proxy:3128"}


def _with_driver(place: Folder | HostFolder) -> HostSpec:
    driver = CudaDriver(
        version="580.95.05",
        source=DriverRunFile(installer=Installer(file=RUN, sha256="a" * 64)),
    )
    return HostSpec(accelerator=Accelerator.CUDA, driver=driver, installers=place)


def test_installer_that_is_here(tmp_path: Path) -> None:
    (tmp_path / RUN).write_bytes(b"the driver")
    ((plan, _),) = wants([_with_driver(Folder(path=tmp_path))], BUNDLE, index=None)
    assert plan["folder"] == "/mnt/bundle/installers"
    assert plan["sources"] == [{"name": str(tmp_path), "folder": str(tmp_path)}]
    assert plan["files"] == [{"path": RUN, "size": 10, "sha256": "a" * 64}]


def test_installer_that_only_hosts_have(tmp_path: Path) -> None:
    host = _with_driver(HostFolder(path="/mnt/no/drivers"))
    assert list(wants([host], tmp_path, index=None)) == []
    assert lacking([host], tmp_path) == [RUN]
    (tmp_path / "installers").mkdir()
    (tmp_path / "installers" / RUN).write_bytes(b"by hand")
    ((plan, _),) = wants([host], tmp_path, index=None)
    assert plan["files"] == [{"path": RUN, "size": 7, "sha256": "a" * 64}]
    assert lacking([host], tmp_path) == []


def test_readme(nouns: Nouns) -> None:
    stack = nouns.stack(os_packages=("g++",))
    hosts = [nouns.chat(stack=stack), _with_driver(HostFolder(path="/mnt/no/drivers"))]
    plans = [plan for plan, _ in wants(hosts, BUNDLE, index=None)]
    said = readme.text("prod.py", hosts, plans, [RUN]).splitlines()
    assert said[0] == "A bundle of metalserve: what hosts without internet need for prod.py."
    assert "  wheels      3 files, 19 B: vllm-0.26-cuda and what installs them" in said
    assert "  weights     1 files, 1 B: qwen3-8b" in said
    assert '  Weights(sources=(Bundle(path="/mnt/bundle"), ...), ...)' in said
    assert "  python3.12" in said
    assert "  ca-certificates, g++, iproute2, python3-venv" in said
    assert f"  {RUN}" in said
