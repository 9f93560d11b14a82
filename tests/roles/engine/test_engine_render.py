"""What an instance would run is printed, without a host and without a secret."""

from pathlib import Path

import pytest

from roles import engine
from roles.engine import render, vllm
from roles.release import Release
from roles.spec import Engine, Secret, SpecError, VllmOptions
from tests.roles.spec.nouns import Nouns

KEY = "sesame-sesame-sesame"
ODD = ("a b", "it's", '"', "$HOME", "\\", "", "#", "exec x")
Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def root(monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the command is run from."""
    folder = Path(__file__).parents[3]
    monkeypatch.chdir(folder)
    return folder


def test_prints_what_would_run(monkeypatch: pytest.MonkeyPatch, capsys: Captured) -> None:
    monkeypatch.setenv("METALSERVE_API_KEY", KEY)
    assert render.main(["inventories/local.py", "@local", "canary"]) == 0
    spec = render.spec_of("inventories/local.py", "@local")
    release = Release(spec=spec, instance=spec.instances[0])
    out = capsys.readouterr().out
    head, *files = out.split("\n\n== ")
    assert head.splitlines()[:10] == [
        f"release  {release.name}",
        f"folder   {release.folder}",
        "unit     metalserve-vllm@canary.service",
        "user     metalserve-canary",
        "serves   canary on 127.0.0.1:8000",
        f"link     stack -> {release.links['stack']}",
        f"link     weights -> {release.links['weights']}",
        "secret   api-key, from the environment variable METALSERVE_API_KEY",
        "checks   28: 1 error, 10 image, 1 stream, 10 text, 6 video",
        "argv     stack/venv/bin/python",
    ]
    assert [file.rstrip("\n") + "\n" for file in files] == [
        f"{name} (mode {file.mode})\n{file.text}" for name, file in sorted(release.files.items())
    ]
    assert KEY not in out


def test_secret_is_not_even_read(nouns: Nouns) -> None:
    instance = nouns.instance(api_key=Secret(command=("/nonexistent/vault", KEY)))
    printed = render.lines(nouns.host(instance), instance)
    assert "secret   api-key, from the command /nonexistent/vault" in printed
    assert not [line for line in printed if KEY in line]


def test_open_server_is_told(nouns: Nouns) -> None:
    instance = nouns.instance(api_key=None)
    assert "secret   none, the server is open" in render.lines(nouns.host(instance), instance)


def test_words_are_those_that_the_start_script_becomes(nouns: Nouns) -> None:
    options = nouns.options(extra=("--odd", *ODD))
    assert isinstance(options, VllmOptions)
    instance = nouns.instance(options=options)
    words = render.argv(engine.rendered(instance))
    assert words == [
        "stack/venv/bin/python",
        *instance.stack.command,
        "--model",
        "$release/weights",
        *vllm.words(instance, options),
    ]


def test_start_that_becomes_no_other_program_has_no_words() -> None:
    assert render.argv({}) == []
    assert render.argv({"start": engine.File("#!/bin/sh\ndocker compose up\n", "0755")}) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (
            ("inventories/prod.py", "h200-1.example", "chat"),
            "chat: no such instance of h200-1.example, there are canary",
        ),
        (
            ("inventories/prod.py", "ascend-1.example", "chat"),
            "chat: no such instance of ascend-1.example, it has none",
        ),
        (
            ("inventories/local.py", "gpu-9", "chat"),
            "gpu-9: no such host in inventories/local.py, there are @local",
        ),
        (
            ("inventories/none.py", "gpu-9", "chat"),
            "inventories/none.py: no such inventory, there are inventories/lab.py, "
            "inventories/local.py, inventories/prod.py",
        ),
        ((), "usage: python -m roles.engine.render INVENTORY HOST INSTANCE"),
    ],
)
def test_what_is_not_there(words: tuple[str, ...], said: str, capsys: Captured) -> None:
    assert render.main(list(words)) == 2
    assert capsys.readouterr() == ("", said + "\n")


def test_faults_of_an_inventory_are_told(tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(
        "from roles.spec import HostSpec, inventory\n"
        "hosts = inventory({'gpu-1': HostSpec(accelerator='tpu')})\n"
    )
    with pytest.raises(SpecError, match="gpu-1/accelerator"):
        render.main([str(file), "gpu-1", "chat"])


def test_engine_that_is_not_started(
    nouns: Nouns, monkeypatch: pytest.MonkeyPatch, capsys: Captured
) -> None:
    stack = nouns.stack(engine=Engine.MINDIE)
    instance = nouns.instance(stack=stack)
    monkeypatch.setattr(render, "spec_of", lambda *_: nouns.host(instance))
    assert render.main(["prod.py", "gpu-1", instance.name]) == 1
    assert "mindie cannot be started by this release" in capsys.readouterr().err
