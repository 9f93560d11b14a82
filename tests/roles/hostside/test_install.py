"""A stack is complete when every file is as its package recorded it, and not before."""

import base64
import collections
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import durable
import install
import places
import progress
import pytest
import tools

from tests.roles.hostside.staged import names

PACKAGES: dict[str, Any] = {"index": None, "folder": None, "proxy": None}


class Stack:
    """A plan, and a tree as an installer leaves it."""

    def __init__(self, tree: Path) -> None:
        self.folder = Path(places.stacks()) / "vllm-abc"
        self.job = tree / "job"
        self.job.mkdir()
        self.plan: dict[str, Any] = {
            "name": "vllm-abc",
            "folder": str(self.folder),
            "lock": "vllm==0.11.0 --hash=sha256:00\n",
            "python": "3.12",
            "disk_gib": 1,
            "installer": "uv==0.9.0 --hash=sha256:00\n",
            "packages": dict(PACKAGES),
        }

    @property
    def install(self) -> install.Install:
        """A run of the plan."""
        return install.Install(self.plan, progress.Progress(str(self.job)))

    @property
    def site(self) -> Path:
        """Where packages lie."""
        return self.folder / "venv" / "lib" / "python3.12" / "site-packages"

    def add(self, package: str, files: dict[str, bytes]) -> None:
        """Leave a package and its record."""
        rows = [f"{package}-1.dist-info/RECORD,,"]
        for name, content in files.items():
            path = (self.site / name).resolve()
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest())
            rows.append(f'"{name}",sha256={digest.decode().rstrip("=")},{len(content)}')
        record = self.site / f"{package}-1.dist-info" / "RECORD"
        record.parent.mkdir(parents=True)
        record.write_text("\n".join(rows) + "\n")


@pytest.fixture
def stack(tree: Path) -> Stack:
    """A stack of two packages, with a cache."""
    made = Stack(tree)
    made.add("one", {"one/__init__.py": b"1", "one/a, b.so": b"binary" * 999, "one/empty": b""})
    made.add("two", {"two.py": b"2", "../../../bin/two": b"#!/bin/sh\n"})
    cache = Path(places.package_cache())
    cache.mkdir(parents=True)
    (cache / "wheel").write_text("")
    return made


def test_record_is_read_with_its_hashes(stack: Stack) -> None:
    rows = install._recorded(str(stack.site / "two-1.dist-info" / "RECORD"))
    assert rows == [
        {
            "path": str(stack.site / "two.py"),
            "sha256": hashlib.sha256(b"2").hexdigest(),
            "size": "1",
        },
        {
            "path": str(stack.folder / "venv" / "bin" / "two"),
            "sha256": hashlib.sha256(b"#!/bin/sh\n").hexdigest(),
            "size": "10",
        },
    ]


def test_lines_without_a_sha256_do_not_count(tmp_path: Path) -> None:
    (tmp_path / "one.dist-info").mkdir()
    record = tmp_path / "one.dist-info" / "RECORD"
    record.write_text("one/x.pyc,,\none/y,md5=aa,1\n\nhalf\none/z,sha256=47DEQpj8HBSa-_TImW-5JA,\n")
    [row] = install._recorded(str(record))
    assert (row["path"], row["size"]) == (str(tmp_path / "one" / "z"), "0")


def test_whole_tree_is_right(stack: Stack) -> None:
    stack.install.verify()
    assert names(places.package_cache()) == ["wheel"]


def test_file_of_two_packages_is_right_as_either_has_it(stack: Stack) -> None:
    """As flashinfer-python and torch-c-dlpack-ext have one in vLLM 0.26's lock."""
    for content in (b"first", b"second"):
        stack.add(content.decode(), {"build_backend.py": content})
    stack.install.verify()
    (stack.site / "build_backend.py").write_bytes(b"first")
    stack.install.verify()
    (stack.site / "build_backend.py").write_bytes(b"third")
    with pytest.raises(install.InstallError) as refused:
        stack.install.verify()
    assert str(refused.value).startswith("1 of 6 installed files differ from their packages'")


@pytest.mark.parametrize("name", ["one/__init__.py", "one/a, b.so", "../../../bin/two"])
@pytest.mark.parametrize("change", ["flipped", "missing", "longer"])
def test_wrong_file_is_named_and_the_cache_emptied(change: str, name: str, stack: Stack) -> None:
    path = (stack.site / name).resolve()
    content = path.read_bytes()
    if change == "flipped":
        path.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    elif change == "longer":
        path.write_bytes(content + b"\n")
    else:
        path.unlink()
    with pytest.raises(install.InstallError) as refused:
        stack.install.verify()
    assert str(refused.value) == (
        f"1 of 5 installed files differ from their packages' records, as in {path}; the package "
        "cache was emptied, run again"
    )
    assert not Path(places.package_cache()).exists()


def test_all_wrong_files_are_counted(stack: Stack) -> None:
    shutil.rmtree(stack.site / "one")
    with pytest.raises(install.InstallError, match=r"^3 of 5 installed files differ"):
        stack.install.verify()


def test_tree_without_packages_is_not_right(stack: Stack) -> None:
    shutil.rmtree(stack.site)
    with pytest.raises(install.InstallError, match="no installed package"):
        stack.install.verify()


_Usage = collections.namedtuple("_Usage", "total used free")


def test_disk_too_small_is_refused(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(0, 0, 512 << 20))
    with pytest.raises(install.InstallError) as refused:
        stack.install.run()
    assert str(refused.value) == (
        f"it takes 1 GiB, the disk of {places.ROOT} has 512 MiB free; free some"
    )


def test_what_an_interrupted_try_left_is_in_nobody_s_way(stack: Stack) -> None:
    stack.install.unused()
    stack.install.room()
    assert stack.site.is_dir()


def test_complete_stack_is_left_alone(stack: Stack) -> None:
    durable.write_json(f"{stack.folder}/complete.json", {"at": "now"})
    before = sorted(stack.folder.rglob("*"))
    assert stack.install.run() == "vllm-abc is complete"
    assert sorted(stack.folder.rglob("*")) == before


def _uv(stack: Stack, text: str) -> str:
    uv = stack.job / "uv"
    uv.write_text(f"#!/bin/sh\n{text}\n")
    uv.chmod(0o755)
    return str(uv)


def test_interpreter_is_the_one_that_was_found(stack: Stack) -> None:
    uv = _uv(stack, 'echo /usr/bin/python3.12; echo "$@" > "$0.words"')
    assert stack.install.interpreter(uv) == "/usr/bin/python3.12"
    assert Path(f"{uv}.words").read_text() == ("python find --system --no-python-downloads 3.12\n")


def test_warning_is_no_part_of_the_interpreter(stack: Stack) -> None:
    uv = _uv(stack, "echo 'warning: something' >&2; echo /usr/bin/python3.12")
    assert stack.install.interpreter(uv) == "/usr/bin/python3.12"


def test_missing_interpreter_is_told(stack: Stack) -> None:
    with pytest.raises(install.InstallError) as refused:
        stack.install.interpreter(_uv(stack, "exit 2"))
    assert str(refused.value) == (
        "this host has no Python 3.12, which the lock was made for; install python3.12 from the "
        "distribution, or choose a stack for another Python"
    )


def test_packages_are_installed_by_their_hashes_alone(stack: Stack) -> None:
    uv = _uv(stack, 'echo "$@" > "$0.words"; sleep 0.2')
    stack.install.packages(uv)
    assert Path(f"{uv}.words").read_text().split() == [
        "pip", "sync", "--quiet", "--require-hashes", "--only-binary", ":all:", "--python",
        f"{stack.folder}/venv/bin/python", f"{stack.folder}/lock.txt",
    ]  # fmt: skip
    assert progress.line(f"{stack.job}/progress.json").startswith("installing, about: ")


def test_what_does_not_compile_is_no_fault(stack: Stack) -> None:
    python = stack.folder / "venv" / "bin" / "python"
    python.write_text('#!/bin/sh\necho "$@" > "$0.words"; echo "SyntaxError"; exit 1\n')
    python.chmod(0o755)
    stack.install.compile()
    words = f"-I -S -m compileall -q -j 0 {stack.folder}/venv/lib\n"
    assert Path(f"{python}.words").read_text() == words


def test_what_uv_said_is_told(stack: Stack) -> None:
    with pytest.raises(install.InstallError) as refused:
        stack.install.packages(_uv(stack, "echo 'hash mismatch for vllm'; exit 1"))
    assert str(refused.value) == "uv could not install the lock:\nhash mismatch for vllm"
    with pytest.raises(install.InstallError) as refused:
        stack.install.ask(_uv(stack, "echo 'no disk' >&2; exit 1"), ["venv", "--quiet"])
    assert str(refused.value) == "uv venv failed:\nno disk"


def test_installer_is_a_tool(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    def bring(name: str, pin: str, packages: Any, say: progress.Progress) -> str:
        assert (name, pin, packages) == ("uv", stack.plan["installer"], PACKAGES)
        return "/tools/uv"

    monkeypatch.setattr(tools, "bring", bring)
    assert stack.install.installer() == "/tools/uv/bin/uv"


def test_script_leaves_its_result(
    stack: Stack, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    durable.write_json(f"{stack.job}/plan.json", stack.plan)
    monkeypatch.setattr("sys.argv", ["install.py", str(stack.job)])
    monkeypatch.setattr(shutil, "disk_usage", lambda _: _Usage(0, 0, 0))
    install.main()
    result = durable.read_json(f"{stack.job}/result.json")
    assert result == {
        "ok": False,
        "summary": "vllm-abc is not installed, nothing that serves was touched: it takes 1 GiB, "
        f"the disk of {places.ROOT} has 0 B free; free some",
    }
    assert capsys.readouterr().out == result["summary"] + "\n"


def test_stack_that_serves_is_not_deleted(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    release = Path(places.releases("chat"), "r1")
    release.mkdir(parents=True)
    (release / "stack").symlink_to(stack.folder)
    durable.link(places.instance("chat") + "/current", str(release))
    with pytest.raises(install.InstallError, match="chat"):
        stack.install.run()
    assert stack.site.is_dir()


def test_this_very_environment_is_as_its_packages_recorded_it(stack: Stack) -> None:
    """Records as a real installer writes them are understood."""
    purelib = Path(pytest.__file__).parents[1]
    record = next(purelib.glob("iniconfig-*.dist-info")) / "RECORD"
    rows = install._recorded(str(record))
    assert rows
    assert [row["path"] for row in rows if install._sha256(row["path"]) != row["sha256"]] == []
    assert subprocess.run([sys.executable, "-c", "import iniconfig"]).returncode == 0
