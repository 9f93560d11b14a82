"""The job is the same for every tool: what they are told, and what is held against a host."""

import re
import subprocess
from pathlib import Path

import pytest

from bench.converge import job, script, wanted
from bench.converge.site import named
from roles.release import Release
from roles.spec import HostSpec
from tests.bench.converge.hosts import lab_host

HERE = Path(__file__).parents[3] / "bench/converge"


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> HostSpec:
    lock = tmp_path_factory.mktemp("lock") / "lock.txt"
    lock.write_text(f"vllm==0.32.0 \\\n    --hash=sha256:{'0' * 64}\n")
    return wanted.spec(lock)


def test_templates_are_our_texts(spec: HostSpec) -> None:
    found = job.templates(spec)
    assert set(found) == {"start", "environment", "release.json", "unit.service", "recover.service"}
    # What is left open is name and port, and filled in they are what we lay out.
    release = Release(spec=spec, instance=spec.instances[0])
    known = {"instance": "chat", "listen": "8000"}
    assert job.rendered(found["start"], known) == release.files["start"].text
    opened = {word for text in found.values() for word in re.findall(r"{{ (\w+) }}", text)}
    assert opened == {"instance", "listen"}
    assert "bench-h007" in job.rendered(found["unit.service"], {"instance": "h007"})


def test_names_share_nothing(spec: HostSpec) -> None:
    one, other = job.job(spec, "h001", 9000), job.job(spec, "h009", 9008)
    for kind in ("folders", "files", "links"):
        assert not set(getattr(one, kind)) & set(getattr(other, kind))
    assert (one.user, one.unit) == ("bench-h001", "bench-h001.service")
    (start,) = [file.text for path, file in other.files.items() if path.endswith("/start")]
    assert "--port 9008 " in start


def test_hosts_get_names_in_turns() -> None:
    hosts = [lab_host(1), lab_host(2)]
    found = named(hosts, 5)
    assert [one.host.number for one in found] == [1, 2, 1, 2, 1]
    assert len({one.name for one in found}) == len({one.port for one in found}) == 5


def test_every_tool_is_told_of_the_same(spec: HostSpec) -> None:
    """The playbook and the deploy have each file, folder and link that hosts are held against."""
    playbook, plain = (HERE / name for name in ("playbook.yml", "plain.py"))
    wanted_job = job.job(spec, "h001", 9000)
    names = {Path(path).name for path in (*wanted_job.files, *wanted_job.folders)}
    names -= {"h001", job.release(spec), "bench-h001.service", "bench-h001-recover.service"}
    for told in (playbook.read_text(), plain.read_text()):
        assert [name for name in names if name not in told] == []
        assert "unit.service" in told
        assert "recover.service" in told
        assert "/current" in told


@pytest.fixture
def small(tmp_path: Path) -> job.Job:
    """Something that whoever is root can do on this machine, but for users and units."""
    me = "root"
    return job.Job(
        user=me,
        folders={f"{tmp_path}/there": "755"},
        files={f"{tmp_path}/there/file": job.File("a 'word'\n$HOME\n", "640")},
        links={f"{tmp_path}/link": f"{tmp_path}/there"},
        unit="bench-h001.service",
    )


def shell(text: str, path: Path) -> "subprocess.CompletedProcess[str]":
    """Run a script where systemctl says that all is well, and changes nothing."""
    stub = path / "bin"
    stub.mkdir(exist_ok=True)
    (stub / "systemctl").write_text("#!/bin/sh\n[ $# -lt 2 ] || [ $2 = --quiet ] || echo enabled\n")
    (stub / "systemctl").chmod(0o755)
    return subprocess.run(
        ["sh", "-c", text],
        env={"PATH": f"{stub}:/usr/sbin:/usr/bin:/sbin:/bin"},
        capture_output=True,
        text=True,
        timeout=60,
    )


def test_script_does_it_once_and_check_sees_it(small: job.Job, tmp_path: Path) -> None:
    if subprocess.run(["id", "-u"], capture_output=True, text=True).stdout != "0\n":
        pytest.skip("files belong to root")
    before = shell(script.checking(small), tmp_path)
    assert before.returncode == 1
    assert f"readlink {tmp_path}/link: , {tmp_path}/there is right" in before.stdout
    first = shell(script.doing("h001", small), tmp_path)
    assert (first.returncode, first.stdout) == (0, "h001 changed=3\n"), first.stderr
    again = shell(script.doing("h001", small), tmp_path)
    assert again.stdout == "h001 changed=0\n"
    after = shell(script.checking(small), tmp_path)
    wrong = "getent passwd root | cut -d: -f7: /bin/bash, /usr/sbin/nologin is right"
    assert after.stdout.splitlines() == [wrong]
    (tmp_path / "there/file").write_text("by hand\n")
    (tmp_path / "there").chmod(0o700)
    told = shell(script.checking(small), tmp_path).stdout
    assert "directory:700:root, directory:755:root is right" in told
    assert "there/file" in told
    assert shell(script.doing("h001", small), tmp_path).stdout == "h001 changed=2\n"
