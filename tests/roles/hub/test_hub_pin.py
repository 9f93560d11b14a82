"""A revision of a hub becomes files of an inventory, asked by the hubs' own clients."""

import hashlib
import importlib.util
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from roles.hub.asked import asked
from roles.hub.huggingface import HuggingFaceHub
from roles.hub.listing import Hub as Asks
from roles.hub.listing import HubError, Listed, Listing
from roles.hub.modelscope import ModelScopeHub
from roles.hub.pinned import pinned
from roles.hub.written import write
from roles.spec import HuggingFace, Kind, ModelScope, Secret, Weights
from roles.weights import manifest
from tests.standins.hub import Hub, Repository

ROOT = Path(__file__).parents[3]
CANARY = {path.name: path.read_bytes() for path in (ROOT / "canary/model").iterdir()}
TOKEN = "hf_kX82LmWq04TzRbYv"
REPO = "acme/canary"
HUBS: dict[str, Callable[[str, str | None], Asks]] = {
    "huggingface": HuggingFaceHub,
    "modelscope": ModelScopeHub,
}


@pytest.fixture
def repository() -> Repository:
    """A private repository with the canary."""
    made = Repository(REPO, tokens=(TOKEN,))
    made.commit({"README.md": b"to come", ".gitattributes": b"x"})
    made.commit({**CANARY, ".gitattributes": b"x", "notes/read.md": b"one"})
    return made


@pytest.fixture
def hub(repository: Repository) -> Iterator[Hub]:
    """A hub that has it."""
    with Hub(repository) as hub:
        yield hub
    assert hub.mischief.faults == []


@pytest.fixture(params=HUBS)
def kind(request: pytest.FixtureRequest) -> str:
    """Each hub."""
    return str(request.param)


def _pin(hub: Hub, kind: str, folder: Path, token: str | None = TOKEN, **data: str) -> list[str]:
    given = {"weights": "canary-2.1", "from": f"{kind}:{REPO}@main", "folder": str(folder)}
    shown = {"token": "env:HUB_TOKEN"} if token else {}
    wish = asked(given | shown | data)
    return write(wish, pinned(wish, HUBS[kind](hub.url, token)), today=date(2026, 11, 20))


def _loaded(file: Path) -> Weights:
    found = importlib.util.spec_from_file_location("pinned", file)
    assert found is not None
    assert found.loader is not None
    module = importlib.util.module_from_spec(found)
    found.loader.exec_module(module)
    weights = module.WEIGHTS
    assert isinstance(weights, Weights)
    return weights


def test_pinned(hub: Hub, repository: Repository, kind: str, tmp_path: Path) -> None:
    said = _pin(hub, kind, tmp_path)
    names = ["canary_2_1.sha256", "canary_2_1.config.json", "canary_2_1.py"]
    assert said == [f"{tmp_path / name} is written" for name in names]
    weights = _loaded(tmp_path / "canary_2_1.py")
    assert weights.faults() == []
    noun = HuggingFace if kind == "huggingface" else ModelScope
    assert weights.sources == (
        noun(
            repo=REPO,
            revision=repository.branches["main"],
            endpoint=hub.url,
            token=Secret(env="HUB_TOKEN"),
        ),
    )
    assert {file.path: file.sha256 for file in weights.files} == {
        path: hashlib.sha256(content).hexdigest()
        for path, content in {**CANARY, "notes/read.md": b"one"}.items()
    }
    assert weights.takes == (Kind.IMAGE, Kind.VIDEO)
    assert weights.checks == ()
    assert weights.model is not None
    assert weights.model.architecture == "Qwen3VLForConditionalGeneration"


def test_same_manifest_as_of_a_folder(hub: Hub, kind: str, tmp_path: Path) -> None:
    _pin(hub, kind, tmp_path, without="notes/*")
    lines = (tmp_path / "canary_2_1.sha256").read_text().splitlines()
    assert lines == manifest.lines(ROOT / "canary/model")


def test_what_is_written_is_in_our_style(hub: Hub, kind: str, tmp_path: Path) -> None:
    _pin(hub, kind, tmp_path)
    ruff = [str(ROOT / ".venv/bin/ruff"), "--config", str(ROOT / "pyproject.toml")]
    for words in (["format", "--check"], ["check", "--no-cache"]):
        done = subprocess.run([*ruff, *words, str(tmp_path)], capture_output=True, text=True)
        assert done.returncode == 0, done.stdout


def test_again_is_nothing_new(hub: Hub, kind: str, tmp_path: Path) -> None:
    _pin(hub, kind, tmp_path)
    file = tmp_path / "canary_2_1.py"
    file.write_text(file.read_text().replace("checks=()", "checks=tuple()"))
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert _pin(hub, kind, tmp_path) == []
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_another_revision_needs_another_name(
    hub: Hub, repository: Repository, kind: str, tmp_path: Path
) -> None:
    _pin(hub, kind, tmp_path)
    before = {path.name: path.read_text() for path in tmp_path.iterdir()}
    changed = {**CANARY, "generation_config.json": b"{}", "vocab.json": b"{}"}
    repository.commit(changed)
    with pytest.raises(HubError) as refused:
        _pin(hub, kind, tmp_path)
    said = str(refused.value).splitlines()
    listed = tmp_path / "canary_2_1.sha256"
    assert said[:3] == [
        f"{listed} pins other files, and was left as it is; pin this revision under another name",
        "  notes/read.md is pinned, and not in this revision",
        "  vocab.json is not pinned, and in this revision",
    ]
    assert said[3].startswith("  generation_config.json is pinned with 126 bytes, sha256 f8e1d2c4")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == before


def test_what_the_spec_refuses(hub: Hub, repository: Repository, kind: str, tmp_path: Path) -> None:
    risky = {"pytorch_model.bin": b"x", "modeling.py": b"x", "a b.txt": b"x"}
    repository.commit({**CANARY, **risky})
    with pytest.raises(HubError) as refused:
        _pin(hub, kind, tmp_path)
    said = str(refused.value)
    assert f"at {repository.branches['main']} is not to be used as it is:" in said
    assert "  files/a b.txt/path: is 'a b.txt', should be a path below" in said
    assert "left out by --data without='PATTERN,…'" in said
    with pytest.raises(HubError) as refused:
        _pin(hub, kind, tmp_path, without="a b.txt")
    assert "  files/pytorch_model.bin: may hold a pickle, which runs code" in str(refused.value)
    assert "  files/modeling.py: is code that the engine would be asked" in str(refused.value)
    assert list(tmp_path.iterdir()) == []
    assert len(_pin(hub, kind, tmp_path, without="*.bin,*.py,a b.txt")) == 3


def test_name_that_is_none(hub: Hub, kind: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match="name: is 'Canary 2', should be up to 60 lower-case"):
        _pin(hub, kind, tmp_path, weights="Canary 2")


def test_no_token(hub: Hub, kind: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=r"there is no such repository.*, or it is private and"):
        _pin(hub, kind, tmp_path, token=None)
    assert list(tmp_path.iterdir()) == []


def test_token_of_the_environment_is_not_taken(
    hub: Hub, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hosts would not have it, and could not fetch what was pinned with it."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("MODELSCOPE_API_TOKEN", TOKEN)
    with pytest.raises(HubError, match="it is private and wants a token"):
        _pin(hub, kind, tmp_path, token=None)


def test_revision_that_is_not_there(hub: Hub, kind: str, tmp_path: Path) -> None:
    with pytest.raises(HubError, match=f"{REPO}@v9 at {hub.url}: .*no such (branch|repository)"):
        _pin(hub, kind, tmp_path, **{"from": f"{kind}:{REPO}@v9"})


def test_commit_is_taken_as_it_is(
    hub: Hub, repository: Repository, kind: str, tmp_path: Path
) -> None:
    commit = repository.branches["main"]
    repository.commit({**CANARY, "more.txt": b"more"})
    _pin(hub, kind, tmp_path, **{"from": f"{kind}:{REPO}@{commit}"})
    (source,) = _loaded(tmp_path / "canary_2_1.py").sources
    assert isinstance(source, HuggingFace | ModelScope)
    assert source.revision == commit


def test_modelscope_branch_whose_commit_cannot_be_told(
    hub: Hub, repository: Repository, tmp_path: Path
) -> None:
    """A commit that only removed files changed none of those that are left."""
    repository.commit(CANARY)
    with pytest.raises(HubError, match=r"the hub does not tell its commit, and .* give the"):
        _pin(hub, "modelscope", tmp_path)
    commit = repository.branches["main"]
    assert len(_pin(hub, "modelscope", tmp_path, **{"from": f"modelscope:{REPO}@{commit}"})) == 3


def test_gated(hub: Hub, repository: Repository, tmp_path: Path) -> None:
    repository.gated = True
    with pytest.raises(HubError, match="its terms have to be accepted by the token's owner"):
        _pin(hub, "huggingface", tmp_path)


def test_hub_that_is_not_there() -> None:
    with pytest.raises(HubError, match=rf"{REPO}@main at http://127\.0\.0\.1:9: "):
        HuggingFaceHub("http://127.0.0.1:9", None).listing(REPO, "main")


class _Changed:
    """A hub whose small files come changed."""

    endpoint = "https://huggingface.co"

    def listing(self, repo: str, revision: str) -> Listing:
        config = CANARY["config.json"]
        file = Listed(path="config.json", size=len(config), sha256=None, blob="0" * 40)
        return Listing(commit="0" * 40, files=(file,))

    def read(self, repo: str, commit: str, path: str) -> bytes:
        return CANARY["config.json"]


def test_file_that_is_changed_on_the_way() -> None:
    wish = asked({"weights": "canary", "from": f"huggingface:{REPO}@main"})
    with pytest.raises(HubError, match="something on the way changes files"):
        pinned(wish, _Changed())


@pytest.mark.parametrize(
    ("data", "said"),
    [
        ({}, "give --data weights=NAME and --data from=HUB:OWNER/REPO@REVISION"),
        ({"from": "huggingface:acme"}, "from: is 'huggingface:acme', should be as in huggingface:"),
        ({"token": "hf_secret_secret_secret"}, "token: should be env:NAME or file:PATH, never the"),
        ({"token": "env:not a name"}, "token: should be the name of a variable, not its value"),
    ],
)
def test_what_cannot_be_asked(data: dict[str, Any], said: str) -> None:
    right = {"weights": "w", "from": f"huggingface:{REPO}@main"} if data else {}
    with pytest.raises(HubError) as refused:
        asked(right | data)
    assert str(refused.value).startswith(said)
    assert "hf_secret" not in str(refused.value)


def test_as_an_operator_types_it(hub: Hub, kind: str, tmp_path: Path) -> None:
    """The clients' own settings of a mirror are honoured, and written down."""
    words = ["-y", "@local", "deploy/pin.py", "--data", "weights=canary-2.1"]
    for data in (f"from={kind}:{REPO}@main", "token=env:HUB_TOKEN", f"folder={tmp_path}"):
        words += ["--data", data]
    settings = {"HF_ENDPOINT": hub.url, "MODELSCOPE_ENDPOINT": hub.url, "HUB_TOKEN": TOKEN}
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pyinfra")), *words],
        cwd=ROOT,
        env={**os.environ, **settings, "PYINFRA_PROGRESS": "off"},
        capture_output=True,
        text=True,
    )
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert re.search(r"canary_2_1\.py is written", said)
    assert TOKEN not in said
    (source,) = _loaded(tmp_path / "canary_2_1.py").sources
    assert isinstance(source, HuggingFace | ModelScope)
    assert source.endpoint == hub.url
    assert TOKEN not in (tmp_path / "canary_2_1.py").read_text()
