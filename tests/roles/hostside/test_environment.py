"""What vendors' scripts set is captured, and what they harm on the way is not the host's."""

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import environment
import pytest

pytestmark = pytest.mark.skipif(os.geteuid() != 0, reason="root may have its own /dev/shm")


@pytest.fixture
def script(tmp_path: Path) -> Callable[[str, str], str]:
    """Make a script to be sourced."""

    def make(name: str, text: str) -> str:
        path = tmp_path / name
        path.write_text(text)
        return str(path)

    return make


@pytest.fixture
def shared() -> Iterator[Path]:
    """What another server has in shared memory."""
    path = Path(f"/dev/shm/metalserve-test-{os.getpid()}")  # this one is meant
    path.write_text("in use")
    yield path
    path.unlink(missing_ok=True)


def test_harm_stays_inside(script: Callable[[str, str], str], shared: Path) -> None:
    harm = script("set_env.sh", "rm -rf /dev/shm/*\nls -A /dev/shm >&2\nexport MINDIE=1\n")
    assert environment.capture([harm]) == {"MINDIE": "1"}
    assert shared.read_text() == "in use"


def test_in_order_and_clean(
    script: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each sees what those before it set, none sees words of ours or what we have set."""
    monkeypatch.setenv("METALSERVE_API_KEY", "sk-not-for-them")
    first = script("a.sh", 'echo noise\nexport A=1 WORDS="$#" PATH=/opt/a/bin:$PATH\n')
    second = script("b.sh", 'export B="$A$A" KEY="$METALSERVE_API_KEY"\nnot_exported=1\n')
    found = environment.capture([first, second])
    assert found["PATH"].startswith("/opt/a/bin:/usr/local/sbin:")
    assert {k: v for k, v in found.items() if k != "PATH"} == {
        "A": "1", "B": "11", "KEY": "", "WORDS": "0",
    }  # fmt: skip


def test_links_are_followed(tmp_path: Path, script: Callable[[str, str], str]) -> None:
    """What is installed later moves the link, not this environment."""
    (tmp_path / "8.5.0/lib64").mkdir(parents=True)
    (tmp_path / "latest").symlink_to("8.5.0")
    latest = tmp_path / "latest"
    sets = script("s.sh", f"export HOME_PATH={latest} LIBS={latest}/lib64:{latest}/gone::x\n")
    real = tmp_path / "8.5.0"
    assert environment.capture([sets]) == {
        "HOME_PATH": str(real), "LIBS": f"{real}/lib64:{real}/gone::x",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("return 3\n", "a script ended with an error:"),
        ("exit 98\n", "a script ended with an error"),
    ],
)
def test_script_that_fails(script: Callable[[str, str], str], text: str, said: str) -> None:
    with pytest.raises(SystemExit) as caught:
        environment.capture([script("s.sh", text)])
    assert str(caught.value).startswith(said)


def test_no_script(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        environment.capture([f"{tmp_path}/set_env.sh"])
    assert str(caught.value) == (
        f"{tmp_path}/set_env.sh is not there; install the package that brings it"
    )


def test_not_beside_the_hosts_shared_memory(
    script: Callable[[str, str], str], monkeypatch: pytest.MonkeyPatch, shared: Path
) -> None:
    """Where it cannot have its own, nothing is run at all."""
    monkeypatch.setattr(environment, "_ALONE", "exit 97\n")
    with pytest.raises(SystemExit, match="the scripts were not run: they would see the host's own"):
        environment.capture([script("s.sh", "rm -rf /dev/shm/*\n")])
    assert shared.exists()


def test_file_of_systemd(tmp_path: Path) -> None:
    """Written so that systemd, which reads it like a shell, gets the same back."""
    odd = {"A": 'q"$HOME`x`\\', "B": "a b:c"}
    text = environment.text(odd)
    assert text.splitlines()[1:] == ['A="q\\"\\$HOME\\`x\\`\\\\"', 'B="a b:c"']
    (tmp_path / "e").write_text(text)
    read = subprocess.run(
        ["sh", "-c", f'. {tmp_path}/e; printf "%s|%s" "$A" "$B"'], capture_output=True, text=True
    )
    assert read.stdout == f"{odd['A']}|{odd['B']}"
