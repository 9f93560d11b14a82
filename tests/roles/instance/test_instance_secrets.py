"""Secrets: from three places, read once, and told by nobody."""

import hashlib
import os
import subprocess
import sys
from itertools import count
from pathlib import Path

import pytest

from roles import instance
from roles.instance import SecretError
from roles.spec import Secret
from tests.roles.spec.nouns import Nouns

ROOT = Path(__file__).parents[3]
KEY = "sesame-sesame-sesame"
SAID = "shorter than 16 or not all printable ASCII without spaces"
_numbers = count()


def _env(monkeypatch: pytest.MonkeyPatch, value: str) -> Secret:
    """What was read is kept for the run, so that every secret has a name of its own."""
    name = f"INSTANCE_KEY_{next(_numbers)}"
    monkeypatch.setenv(name, value)
    return Secret(env=name)


def _file(folder: Path, content: str | bytes) -> Secret:
    path = folder / f"key-{next(_numbers)}"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return Secret(file=path)


def _command(script: str) -> Secret:
    return Secret(command=("sh", "-c", f"{script} # {next(_numbers)}"))


def _reason(secret: Secret) -> str:
    with pytest.raises(SecretError) as caught:
        instance.resolve(secret)
    chain = caught.value.__cause__
    assert KEY not in f"{caught.value!r} {chain!r}"
    return str(caught.value)


def test_from_each_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = (
        _env(monkeypatch, KEY),
        _file(tmp_path, f"{KEY}\n"),
        _command(f"echo; echo {KEY}"),
        _env(monkeypatch, "!~" * 8),
    )
    assert [instance.resolve(place) for place in places] == [KEY, KEY, KEY, "!~" * 8]


def test_of_a_file(tmp_path: Path) -> None:
    gone = Secret(file=tmp_path / "gone")
    why = f"[Errno 2] No such file or directory: '{tmp_path}/gone'"
    assert _reason(gone) == f"the secret's file cannot be read: {why}"
    empty = _file(tmp_path, " \n")
    assert _reason(empty) == f"the file {empty.file} holds no secret on this machine"
    short = _file(tmp_path, KEY[:15])
    assert _reason(short) == f"the file {short.file} holds one of 15 characters, {SAID}"
    binary = _file(tmp_path, b"\xff" + KEY.encode())
    assert _reason(binary) == f"the secret's file {binary.file} is no text"


def test_of_a_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    gone = Secret(env="INSTANCE_KEY_GONE")
    assert _reason(gone) == (
        "the environment variable INSTANCE_KEY_GONE holds no secret on this machine"
    )
    for wrong in (f"{KEY} {KEY}", f"{KEY}\n", f"{KEY}\t", f"{KEY}\x7f", f"{KEY}ü", KEY[:15]):
        secret = _env(monkeypatch, wrong)
        told = f"the environment variable {secret.env} holds one of {len(wrong)} characters, {SAID}"
        assert _reason(secret) == told


def test_of_a_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither its words nor its output are told."""
    assert _reason(_command(f"echo {KEY}; exit 3")) == "the secret's command sh ended with 3"
    assert _reason(_command("true")) == "the command sh holds no secret on this machine"
    assert _reason(_command(f"echo {KEY}; echo {KEY}")) == (
        f"the command sh holds one of 41 characters, {SAID}"
    )
    assert _reason(_command(rf"printf '\377{KEY}'")) == "the secret's command sh answered no text"
    assert _reason(Secret(command=("no-such-vault", KEY))) == (
        "the secret's command no-such-vault cannot be run: No such file or directory"
    )
    monkeypatch.setattr("roles.instance.secrets._COMMAND_WITHIN_S", 0.05)
    assert _reason(_command(f"echo {KEY}; exec sleep 5")) == (
        "the secret's command sh did not end within 0.05 s"
    )


@pytest.mark.parametrize("words", ["-t ed25519", "-t rsa -m PEM", "-t ecdsa -m PKCS8"])
def test_private_key(tmp_path: Path, words: str) -> None:
    """As its file has it, to the last byte: ssh reads no other."""
    assert instance.private_key(_generated(tmp_path, words, "")) == (tmp_path / "key").read_text()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("-t ed25519", "holds a private key with a passphrase, which nobody could type"),
        ("-t rsa -m PEM", "holds no private key that ssh-keygen -N '' wrote"),
    ],
)
def test_private_key_with_a_passphrase(tmp_path: Path, words: str, told: str) -> None:
    secret = _generated(tmp_path, words, KEY)
    with pytest.raises(SecretError) as refused:
        instance.private_key(secret)
    assert str(refused.value) == f"the file {secret.file} {told}"


def test_no_private_key(tmp_path: Path) -> None:
    _generated(tmp_path, "-t ed25519", "")
    with pytest.raises(SecretError, match=r"key\.pub holds no private key that"):
        instance.private_key(Secret(file=tmp_path / "key.pub"))


def _generated(folder: Path, words: str, passphrase: str) -> Secret:
    file = folder / "key"
    subprocess.run(
        ["ssh-keygen", "-q", *words.split(), "-N", passphrase, "-f", file], check=True, timeout=600
    )
    return Secret(file=file)


def test_a_failure_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = _env(monkeypatch, "")
    _reason(secret)
    monkeypatch.setenv(str(secret.env), KEY)
    assert instance.resolve(secret) == KEY


def test_a_vault_is_asked_once(tmp_path: Path) -> None:
    """However many hosts ask at the same time, each with a copy of the spec."""
    asked = tmp_path / "asked"
    script = f"echo x >> {asked}; sleep 0.1; echo {KEY}"
    program = f"""
from gevent import monkey
monkey.patch_all()
import gevent
from roles import instance
from roles.spec import Secret
ask = lambda: instance.resolve(Secret(command=("sh", "-c", {script!r})))
print(*[greenlet.get() for greenlet in [gevent.spawn(ask) for _ in range(3)]])
"""
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True
    )
    assert (ended.stdout.split(), asked.read_text()) == ([KEY] * 3, "x\n")


def test_generation(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    """It differs by host, instance and value, and is the same for the same."""
    one, other = _env(monkeypatch, KEY), _env(monkeypatch, KEY[::-1])
    chat = nouns.instance(api_key=one)
    made = {
        instance.generation(asked, machine_id=machine)["generation"]
        for asked, machine in (
            (chat, "a" * 32),
            (chat, "b" * 32),
            (nouns.instance(api_key=other), "a" * 32),
            (nouns.instance(api_key=one, name="draw"), "a" * 32),
            (nouns.instance(api_key=None), "a" * 32),
        )
    }
    assert len(made) == 5
    again = instance.generation(nouns.instance(api_key=_env(monkeypatch, KEY)), machine_id="a" * 32)
    assert again["generation"] in made
    assert again["files"] == {"api-key": KEY}


def test_generation_tells_nothing(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    """A short name, and no plain digest that tables of known keys would know."""
    chat = nouns.instance(api_key=_env(monkeypatch, KEY))
    name = str(instance.generation(chat, machine_id="a" * 32)["generation"])
    assert len(name) == 12
    assert set(name) <= set("0123456789abcdef")
    assert not hashlib.sha256(KEY.encode()).hexdigest().startswith(name)


def test_open_server(nouns: Nouns) -> None:
    """The file is there for the unit, and empty."""
    found = instance.generation(nouns.instance(api_key=None), machine_id="a" * 32)
    assert found["files"] == {"api-key": ""}


def test_no_secret_in_what_is_printed(nouns: Nouns, monkeypatch: pytest.MonkeyPatch) -> None:
    """An inventory is printed whole by ``debug-inventory``."""
    spec = nouns.chat(api_key=_env(monkeypatch, KEY))
    assert KEY in os.environ.values()
    instance.generation(spec.instances[0], machine_id="a" * 32)
    assert KEY not in f"{spec!r} {spec.to_json()}"


def test_what_was_read_is_masked_wherever_it_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TEST_MASKED_KEY", "sesame-sesame-masked")
    told = {"said": ["key sesame-sesame-masked.", 7, None], "why": "sesame"}
    assert instance.masked(told) == told
    instance.resolve(Secret(env="TEST_MASKED_KEY"))
    assert instance.masked(told) == {"said": ["key *MASKED*.", 7, None], "why": "sesame"}


def test_each_line_of_a_key_is_masked(tmp_path: Path) -> None:
    """Who prints a key, prints it line by line."""
    lines = ["-----BEGIN PRIVATE KEY-----", "A" * 64, "B" * 40 + "==", "-----END PRIVATE KEY-----"]
    (tmp_path / "key").write_text("\n".join(lines) + "\n")
    instance.private_key(Secret(file=tmp_path / "key"))
    assert instance.masked([f"> {'A' * 64}", "A" * 63]) == ["> *MASKED*", "A" * 63]
