"""What vendors' scripts set is captured, and what they harm on the way is not the host's."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import environment
import pytest
import view

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root may have its own /dev/shm")

LLM = """\
mindie_llm_path=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
chmod u+w "$mindie_llm_path" && touch "$mindie_llm_path/changed"
ls -A /dev/shm >&2
rm -rf /dev/shm/*
export MINDIE_LLM_HOME_PATH=$mindie_llm_path LD_LIBRARY_PATH=$mindie_llm_path/lib:$LD_LIBRARY_PATH
case $1 in
    "" | --backend=*) ;;
    *) echo "Usage: source set_env.sh --backend=<backend>" && return 1 ;;
esac
"""


@dataclass
class Home:
    """What stands for ``/usr/local/Ascend``, and the plan of a stack on it."""

    folder: Path
    scripts: list[dict[str, list[str]]] = field(default_factory=list)
    links: dict[str, str] = field(default_factory=dict)
    folders: list[str] = field(default_factory=list)

    @property
    def plan(self) -> dict[str, Any]:
        """The plan."""
        return {"scripts": self.scripts, "links": self.links, "folders": self.folders}

    def script(self, name: str, text: str, *words: str) -> Path:
        """Have a script, sourced after those before it."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        self.scripts.append({"files": [str(path)], "words": [*words]})
        return path


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """Nothing is installed."""
    return Home(tmp_path)


@pytest.fixture
def shared() -> Iterator[Path]:
    """What another server has in shared memory."""
    path = Path(f"/dev/shm/metalserve-test-{os.getpid()}")
    path.write_text("in use")
    yield path
    path.unlink(missing_ok=True)


def _mindie(home: Home) -> Home:
    """Have MindIE as its installer leaves it; the newest of two versions came last."""
    for version in ("3.0.0", "3.1.0"):
        home.script(f"mindie/{version}/mindie-llm/set_env.sh", LLM)
    (home.folder / "mindie/latest").symlink_to("3.1.0")
    home.scripts.clear()
    top = 'source "$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)/latest/mindie-llm/set_env.sh"\n'
    home.script("mindie/set_env.sh", top)
    home.links[f"{home.folder}/mindie/latest"] = f"{home.folder}/mindie/3.0.0"
    return home


def test_mindie_harms_nobody(home: Home, shared: Path) -> None:
    """Neither the host's shared memory, nor modes and files of its own folder."""
    plan = _mindie(home).plan
    folder = home.folder / "mindie/3.0.0/mindie-llm"
    folder.chmod(0o550)
    before = folder.stat()
    found = environment.capture(plan)
    assert shared.read_text() == "in use"
    assert (folder.stat().st_mode, folder.stat().st_ctime_ns) == (
        before.st_mode,
        before.st_ctime_ns,
    )
    assert [path.name for path in folder.iterdir()] == ["set_env.sh"]
    assert found == {"MINDIE_LLM_HOME_PATH": str(folder), "LD_LIBRARY_PATH": f"{folder}/lib"}


def test_its_scripts_see_no_shared_memory(home: Home, shared: Path) -> None:
    home.script("a.sh", 'export SEEN="$(ls -A /dev/shm)" THERE="$(test -d /dev/shm && echo yes)"\n')
    assert environment.capture(home.plan) == {"SEEN": "", "THERE": "yes"}


def test_link_that_was_moved_since(home: Home) -> None:
    """The host's own goes on leading to what was installed last."""
    plan = _mindie(home).plan
    assert environment.capture(plan)["MINDIE_LLM_HOME_PATH"].startswith(
        f"{home.folder}/mindie/3.0.0/"
    )
    assert (home.folder / "mindie/latest").readlink() == Path("3.1.0")


def test_links_are_no_part_of_what_is_captured(home: Home) -> None:
    """In any element of a list; what is empty in one would mean a server's own folder."""
    cann = f"{home.folder}/cann"
    (home.folder / "cann-8.5.1").mkdir()
    home.script(
        "cann-8.5.1/set_env.sh",
        f"export ASCEND_HOME_PATH={cann} LD_LIBRARY_PATH={cann}/lib64:/x::{cann}-other:"
        f"$LD_LIBRARY_PATH URL=http://{cann} AS=a::b\n",
    )
    home.links[cann] = f"{cann}-8.5.1"
    assert environment.capture(home.plan) == {
        "ASCEND_HOME_PATH": f"{cann}-8.5.1",
        "LD_LIBRARY_PATH": f"{cann}-8.5.1/lib64:/x:{cann}-other",
        "URL": f"http://{cann}",
        "AS": "a::b",
    }


def test_in_order_and_clean(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each sees what those before it set; none sees words that are not its own, or our secrets."""
    monkeypatch.setenv("METALSERVE_API_KEY", "sk-not-for-them")
    first = 'echo noise\nexport A=1 WORDS="$#" PATH=/opt/a/bin:$PATH\nset -- --nonsense\n'
    home.script("a.sh", first)
    home.script("b c.sh", 'export B="$A$A" ABI=$1\nnot_exported=1\nfalse\n', "--cxx_abi=0")
    home.script("d.sh", 'export KEY="$METALSERVE_API_KEY" LAST="$*"\nf() { :; }\nexport -f f\n')
    found = environment.capture(home.plan)
    assert found.pop("PATH").startswith("/opt/a/bin:/usr/local/sbin:")
    assert found == {
        "A": "1", "WORDS": "0", "B": "11", "ABI": "--cxx_abi=0", "KEY": "", "LAST": "",
    }  # fmt: skip


def test_first_script_that_is_there(home: Home) -> None:
    path = home.script("kept.sh", "export A=1\n")
    home.scripts = [{"files": [f"{home.folder}/gone.sh", str(path)], "words": []}]
    assert environment.capture(home.plan) == {"A": "1"}
    path.unlink()
    with pytest.raises(SystemExit) as caught:
        environment.capture(home.plan)
    assert str(caught.value) == (
        f"{home.folder}/gone.sh or {path} is not there; install what brings it"
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("echo broken; exit 3\n", "a script ended the shell that sourced it (code 3):\nbroken"),
        ("exit 0\n", "a script ended the shell that sourced it (code 0):\n"),
        ("echo The package of mindie is incomplete\n",
         "nothing that the scripts set lies in /opt/x; what they said:\nThe package of mindie"),
        ("export A=$'a\\nb'\n", "A has characters that no file can hold"),
    ],
)  # fmt: skip
def test_scripts_that_fail(home: Home, text: str, said: str) -> None:
    home.script("s.sh", text)
    home.folders = ["/opt/x"]
    with pytest.raises(SystemExit) as caught:
        environment.capture(home.plan)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize("broken", ["unshare", "mount"])
def test_nothing_is_run_beside_the_hosts_shared_memory(
    home: Home, shared: Path, monkeypatch: pytest.MonkeyPatch, broken: str
) -> None:
    tools = home.folder / "bin"
    tools.mkdir()
    (tools / broken).write_text(
        f"#!/bin/sh\necho '{broken}: Operation not permitted' >&2\nexit 1\n"
    )
    (tools / broken).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}:{os.environ['PATH']}")
    ran = home.folder / "ran"
    home.script("s.sh", f"touch {ran}; rm -rf /dev/shm/*\n")
    with pytest.raises(SystemExit, match=r"Operation not permitted\nthe scripts were not run: "):
        environment.capture(home.plan)
    assert shared.exists()
    assert not ran.exists()


def test_nothing_is_run_in_the_namespace_of_others(shared: Path, tmp_path: Path) -> None:
    """Not even when somebody calls it so."""
    ran = tmp_path / "ran"
    words = [sys.executable, view.__file__, view.namespace(), "{}", "touch", str(ran)]
    done = subprocess.run(words, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "this is the mount namespace of everybody else\n"
    assert not ran.exists()
    assert shared.exists()


def test_mounts_stay_inside(home: Home) -> None:
    before = Path("/proc/self/mountinfo").read_text()
    environment.capture(_mindie(home).plan)
    assert Path("/proc/self/mountinfo").read_text() == before
    assert list(Path("/tmp").glob("metalserve-view-*")) == []


def test_file_of_systemd(home: Home) -> None:
    """Written so that systemd, which reads it like a shell, gets the same back."""
    odd = {"A": 'q"$HOME`x`\\', "B": "a b:c"}
    text = environment.text(odd)
    assert text.splitlines()[1:] == ['A="q\\"\\$HOME\\`x\\`\\\\"', 'B="a b:c"']
    (home.folder / "e").write_text(text)
    shell = f'. {home.folder}/e; printf "%s|%s" "$A" "$B"'
    read = subprocess.run(["sh", "-c", shell], capture_output=True, text=True)
    assert read.stdout == f"{odd['A']}|{odd['B']}"


def _called(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, environment.__file__, *words], capture_output=True, text=True
    )


def test_written_whole_or_not_at_all(home: Home) -> None:
    target = home.folder / "new/stack.environment"
    home.script("s.sh", "export A=1\n")
    done = _called("write", str(target), json.dumps(home.plan))
    assert (done.returncode, done.stdout) == (0, f"{target} holds 1 variables\n")
    assert target.read_text().splitlines()[1:] == ['A="1"']
    home.script("t.sh", "exit 1\n")
    failed = _called("write", str(target), json.dumps(home.plan))
    assert failed.returncode == 1
    assert target.read_text().splitlines()[1:] == ['A="1"']


def test_installer_finds_its_own_toolkit(home: Home, shared: Path) -> None:
    """It runs on the host itself, with the host's links and what else was set for it."""
    plan = json.dumps(_mindie(home).plan)
    script = 'echo "$MINDIE_LLM_HOME_PATH $TMPDIR $1"; readlink "$2"; ls /dev/shm'
    words = ["sh", "-c", script, "sh", "a $b", f"{home.folder}/mindie/latest"]
    done = subprocess.run(
        [sys.executable, environment.__file__, "run", plan, *words],
        capture_output=True, text=True, env={**os.environ, "TMPDIR": "/var/tmp"},
    )  # fmt: skip
    first, second, *there = done.stdout.splitlines()
    assert first == f"{home.folder}/mindie/3.0.0/mindie-llm /var/tmp a $b"
    assert second == "3.1.0"
    assert shared.name in there
    assert _called("run", plan, "sh", "-c", "exit 7").returncode == 7


def test_usage() -> None:
    assert _called("show").stderr.startswith("usage: environment.py write TARGET PLAN | run PLAN")


def test_read_as_it_was_written(tmp_path: Path) -> None:
    variables = {"LD_LIBRARY_PATH": "/a:/b", "ODD": 'a "word", $HOME, `ls` \\ and = more', "NO": ""}
    file = tmp_path / "stack.environment"
    file.write_text(environment.text(variables))
    assert environment.read(str(file)) == {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root",
    } | variables  # fmt: skip
