"""
LMDeploy in a venv and in a container of a real Docker Engine, upgraded and rolled back across
engines under one instance name.

The servers, the GPUs and NVIDIA's packages are stand-ins; apt, systemd, Docker and Compose are the
distribution's own.
"""

import hashlib
import json
import os
import re
import shutil
import threading
import time
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from roles.lab import Lab, LabHost, places
from tests.lab.conftest import PREFIX
from tests.lab.fixtures import WHEELS
from tests.lab.platform_site import Site, from_packages, json_of
from tests.lab.site import KEY, Run, changes, current
from tests.lab.waiting import AT_MOST_S, comes
from tests.standins.docker import archive, registry
from tests.standins.docker.host import limits_stay
from tests.standins.lmdeploy import build
from tests.standins.nvidia import gpus
from tests.standins.nvidia.host import install_repository
from tests.standins.nvidia.packages import repository
from tests.standins.vllm.build import build as build_vllm

pytestmark = pytest.mark.lab

DRIVER = "580.65.06"
UNIT, CONTAINER = "metalserve-lmdeploy-compose@chat.service", "metalserve-chat"
# One question of each kind: some of the servers here take seconds to answer.
_INSTANCE = """(Instance(
    name="chat", stack={stack}, weights=canary.WEIGHTS, devices=(1,), port=8000, model="canary",
    checks=tuple({{check.kind: check for check in canary.WEIGHTS.checks}}.values()),
    api_key=Secret(env="TEST_API_KEY"), options={options}, ready_within_s=300, drain_within_s=30,
),)"""
_STACK = """Stack(
    name={name!r}, engine={engine!r}, accelerator="cuda", driver="525.60.13", version={version!r},
    python="3.11", command={command!r}, lock={lock}, disk_gib=0.2, os_packages={packages!r},
)"""
_VLLM = """VllmOptions(
    dtype="float32", max_model_len=1024, max_num_seqs=4, images=1, videos=1,
    environment={"VLLM_CPU_KVCACHE_SPACE": "1"},
)"""


@dataclass
class Made:
    """What hosts install from: wheels and images in one folder, and what pins them."""

    folder: Path
    locks: dict[str, Path]
    base: str
    pulled: str

    def vllm(self) -> str:
        """The stand-in of vLLM in a venv."""
        command = ("-m", "vllm.entrypoints.openai.api_server")
        lock = f'Lock(file=Path("{self.locks["vllm"]}"))'
        return _INSTANCE.format(stack=_stack("vllm", "0.26.0", command, lock), options=_VLLM)

    def native(self, version: str, *extra: str, **standin: object) -> str:
        """LMDeploy in a venv."""
        lock = f'Lock(file=Path("{self.locks[version]}"))'
        return _lmdeploy(version, lock, (), *extra, **standin)

    def built(self, version: str, **standin: object) -> str:
        """LMDeploy in an image that is loaded and built upon."""
        loaded = f'archive=ImageArchive(file="base.tar", sha256="{self.base}")'
        lock = f'Image({loaded}, lock=Lock(file=Path("{self.locks[version]}")))'
        return _lmdeploy(version, lock, ("docker.io", "docker-compose"), **standin)

    def whole(self, version: str) -> str:
        """LMDeploy in an image that is pulled as it is."""
        lock = f'Image(reference="127.0.0.1:5000/lab/lmdeploy@{self.pulled}")'
        return _lmdeploy(version, lock, ("docker.io", "docker-compose"))


def _stack(
    engine: str, version: str, command: tuple[str, ...], lock: str, packages: tuple[str, ...] = ()
) -> str:
    kind = "image-" if "Image(" in lock else ""
    return _STACK.format(
        name=f"{kind}{engine}-{version}", engine=engine, version=version,
        command=command, lock=lock, packages=packages,
    )  # fmt: skip


def _lmdeploy(
    version: str, lock: str, packages: tuple[str, ...], *extra: str, **standin: object
) -> str:
    words = (*extra, "--hf-overrides", json.dumps({"standin": standin}))
    options = f"session_len=1024, max_batch_size=4, images=1, videos=1, extra={words!r}"
    command = ("-m", "lmdeploy", "serve", "api_server")
    stack = _stack("lmdeploy", version, command, lock, packages)
    return _INSTANCE.format(stack=stack, options=f"LmdeployOptions({options})")


@pytest.fixture(scope="module")
def made(wheels: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Wheels of every engine, and two images of the lab's own base."""
    folder, aside = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("aside")
    questions = places.REPOSITORY / "canary/questions.json"
    locks = {
        version: build.build(aside / version, questions, version) for version in build.VERSIONS
    }
    locks["vllm"] = build_vllm(aside / "vllm", questions, "0.26.0")
    for wheel in [*aside.glob("*/*.whl"), *wheels.glob("uv-*.whl")]:
        shutil.copy(wheel, folder)
    inside = aside / "inside"
    (wheel,) = (aside / "0.18.0").glob("*.whl")
    zipfile.ZipFile(wheel).extractall(inside)
    base = archive.save(folder / "base.tar", "lab/base:1")
    whole = archive.save(folder / "whole.tar", "lab/lmdeploy:1", inside)
    pulled, _ = registry.pages(str(whole), "lab/lmdeploy")
    with base.open("rb") as opened:
        sha256 = hashlib.file_digest(opened, "sha256").hexdigest()
    return Made(folder, locks, sha256, pulled)


class Serving(Site):
    """A site of one host that serves ``chat``."""

    def serve(self, instances: str, *words: str) -> Run:
        """Bring the host to what it should serve."""
        self.want(
            from_packages(DRIVER), may_reboot=True, instances=instances,
            containers='ContainerToolkit(version="1.18.0")',
            packages=f'Packages(folder="{WHEELS}")',
        )  # fmt: skip
        # One run may install a driver, Docker and an image, and start a server twice.
        with self.start("-y", *words, deploy="main") as process:
            out, err = process.communicate(timeout=AT_MOST_S)
        return Run(process.returncode, out + err, json_of(out))

    def served(self, instances: str) -> str:
        """The same, which has to succeed; return the release that serves."""
        done = self.serve(instances)
        assert done.code == 0, done.said
        self.answers()
        return current(self.host)

    def answers(self) -> None:
        """See that every question is answered right."""
        said = self.host.run("python3 /opt/metalserve/hostside/ask.py chat", timeout_s=AT_MOST_S)
        report = json.loads(said.stdout)
        assert {answer["kind"] for answer in report} >= {"text", "stream", "image", "video"}
        assert [answer for answer in report if not answer["passed"]] == []

    def rolled_back(self) -> str:
        """Roll back, and return the release that serves."""
        done = self.run(deploy="rollback")
        assert done.code == 0, done.said
        self.answers()
        return current(self.host)


@pytest.fixture(scope="module")
def site(lab: Lab, made: Made, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Serving]:
    """A bare host with two GPUs of this module's own."""
    own = Lab(f"{PREFIX}{os.getpid()}lmd")
    try:
        own.up(1)
        site = Serving(own.hosts, tmp_path_factory.mktemp("site"))
        gpus.plug(site.host, [gpus.H200, gpus.H200])
        install_repository(site.host, repository(site.folder / "repository", (DRIVER,)))
        shutil.copytree(made.folder, Path(site.host.disk.root) / WHEELS.lstrip("/"))
        limits_stay(site.host)
        yield site
    finally:
        own.destroy()


def test_across_engines_in_one_name(site: Serving, made: Made) -> None:
    """From a bare host to LMDeploy, to vLLM, to LMDeploy's next version, back, and back again."""
    old = site.served(made.native("0.12.3", answer_s=3))
    asked = Asked(site.host)
    vllm = site.served(made.vllm())
    # It began while LMDeploy still told the numbers of before.
    assert asked.answer() == "blue"
    assert site.host.run("systemctl is-active metalserve-lmdeploy@chat").stdout == "inactive\n"
    new = site.served(made.native("0.18.0"))
    assert len({old, new, vllm}) == 3
    assert site.rolled_back() == vllm
    assert site.host.run("systemctl is-active metalserve-lmdeploy@chat").stdout == "inactive\n"
    assert site.rolled_back() == new


def test_key_is_told_by_no_process(site: Serving) -> None:
    said = site.host.run("cat /proc/[0-9]*/cmdline /proc/[0-9]*/environ | tr '\\0' '\\n'").stdout
    assert "lmdeploy" in said
    assert KEY not in said
    assert KEY not in site.host.run("journalctl --no-pager -o export").stdout


def test_flag_of_another_version(site: Serving, made: Made) -> None:
    """The inventory does not load: no host is asked anything."""
    before = current(site.host)
    failed = site.serve(made.native("0.18.0", "--disable-vision-encoder"))
    assert failed.code == 1
    assert "/instances/chat/options/extra: --disable-vision-encoder" in failed.said
    assert current(site.host) == before


@pytest.fixture(scope="module")
def composed(site: Serving, made: Made) -> Serving:
    """The same host, serving from a container, in an image that it built."""
    site.served(made.built("0.12.3"))
    return site


def test_container_as_rendered(composed: Serving) -> None:
    """Ports, devices, user and secrets are what they should be, as Docker has them."""
    host = composed.host
    known = json.loads(host.run(f"docker inspect {CONTAINER}").stdout)[0]
    assert known["HostConfig"]["PortBindings"] == {
        "8000/tcp": [{"HostIp": "127.0.0.1", "HostPort": "8000"}]
    }
    (device,) = known["HostConfig"]["DeviceRequests"]
    assert (device["Driver"], device["DeviceIDs"]) == ("nvidia", ["1"])
    assert host.run("tail -1 /run/standin-nvidia/containers").stdout == "1\n"
    assert known["HostConfig"]["ShmSize"] == 16 << 30
    assert known["HostConfig"]["IpcMode"] == "private"
    uid = host.run("id -u metalserve-chat").stdout.strip()
    assert known["Config"]["User"].startswith(f"{uid}:")
    assert not [
        mount for mount in known["Mounts"] if mount["RW"] and mount["Destination"] != "/cache"
    ]
    assert comes(lambda: health(host) == "healthy")
    assert KEY not in json.dumps(known)
    test_key_is_told_by_no_process(composed)


def test_log_is_the_units(composed: Serving) -> None:
    log = composed.host.run(f"journalctl -u {UNIT} -o cat --no-pager").stdout
    assert "HINT:    Please open http://0.0.0.0:8000" in log
    assert "Application startup complete." in log


def test_second_run_changes_nothing(composed: Serving, made: Made) -> None:
    """What Docker listens on and holds is known to be the unit's."""
    since = started(composed.host)
    done = composed.serve(made.built("0.12.3"))
    assert done.code == 0, done.said
    assert changes(done.report) == []
    assert started(composed.host) == since


def test_hang_is_ended(composed: Serving) -> None:
    """A container that no longer answers is killed, and the unit started again."""
    host = composed.host
    before = started(host)
    assert comes(lambda: health(host) == "healthy")
    assert host.run(f"docker kill --signal STOP {CONTAINER}").returncode == 0
    assert comes(lambda: started(host) != before and active(host), every_s=1)
    log = host.run(f"journalctl -u {UNIT} -o cat --no-pager").stdout
    said = "the container is unhealthy and is killed: TimeoutError: timed out"
    assert log.count("the container is unhealthy") == log.count(said) == 1
    composed.answers()


def test_power_lost(composed: Serving) -> None:
    """Docker keeps a container over that; it is not what serves afterwards."""
    host = composed.host
    before = host.run(f"docker inspect -f '{{{{.Id}}}}' {CONTAINER}").stdout
    host.crash()
    host.start()
    assert comes(lambda: active(host))
    composed.answers()
    assert host.run(f"docker inspect -f '{{{{.Id}}}}' {CONTAINER}").stdout != before


def test_upgrade_to_a_pulled_image_and_back(composed: Serving, made: Made) -> None:
    host = composed.host
    old = current(host)
    program = Path(host.disk.root) / "root/registry.py"
    shutil.copy(Path(registry.__file__), program)
    serve = f"python3 /root/registry.py {WHEELS}/whole.tar lab/lmdeploy 5000"
    assert host.run(f"systemd-run --unit lab-registry {serve}").returncode == 0
    new = composed.served(made.whole("0.18.0"))
    assert new != old
    assert composed.rolled_back() == old
    assert composed.rolled_back() == new
    # Of what was pulled and loaded, the names are left that we gave.
    names = host.run("docker images --format '{{.Repository}}'").stdout.split()
    assert sorted(set(names) - {"<none>"}) == [
        "metalserve/image-lmdeploy-0.12.3", "metalserve/image-lmdeploy-0.18.0",
    ]  # fmt: skip


def test_container_that_cannot_start(composed: Serving, made: Made) -> None:
    before = current(composed.host)
    failed = composed.serve(made.built("0.12.3", die_at_start="CUDA out of memory"))
    assert failed.code == 1
    assert "cause: weights and activations exceed the device's memory" in failed.said
    assert "CUDA out of memory" in failed.said
    assert f"state: {before} serves again and answers right" in failed.said
    composed.answers()


def test_back_in_a_venv(composed: Serving, made: Made) -> None:
    """Nothing of the container is left; its images are, until they are pruned."""
    host = composed.host
    composed.served(made.native("0.18.0"))
    assert host.run("docker ps -aq; docker network ls -q -f name=metalserve").stdout == ""
    composed.served(made.native("0.12.3"))
    pruned = composed.run("--data", "prune=yes", deploy="prune")
    assert pruned.code == 0, pruned.said
    assert host.run("docker images -q").stdout == ""


class Asked(threading.Thread):
    """A question in flight, which takes a few seconds to answer."""

    def __init__(self, host: LabHost) -> None:
        super().__init__(daemon=True)
        self.host = host
        self.said = ""
        self.start()
        time.sleep(1)

    def run(self) -> None:
        """See the class."""
        content = json.dumps(
            {
                "model": "canary",
                "messages": [{"role": "user", "content": "What colour is the sky?"}],
            }
        )
        ask = "curl -s -H 'Content-Type: application/json' -H @/root/key -d @/root/ask"
        root = Path(self.host.disk.root) / "root"
        (root / "key").write_text(f"Authorization: Bearer {KEY}\n")
        (root / "ask").write_text(content)
        self.said = self.host.run(f"{ask} http://127.0.0.1:8000/v1/chat/completions").stdout

    def answer(self) -> str:
        """What came back."""
        self.join(AT_MOST_S)
        found = re.search(r'"content":"([^"]*)"', self.said)
        return found[1] if found else self.said


def started(host: LabHost) -> str:
    """Return since when the unit's watch runs."""
    return host.run(f"systemctl show -P ExecMainStartTimestampMonotonic {UNIT}").stdout.strip()


def health(host: LabHost) -> str:
    """Return what Docker calls the state of the server."""
    asked = f"docker inspect -f '{{{{.State.Health.Status}}}}' {CONTAINER}"
    return host.run(asked).stdout.strip()


def active(host: LabHost) -> bool:
    """Say whether the unit is up and ready."""
    return host.run(f"systemctl is-active {UNIT}").stdout.strip() == "active"
