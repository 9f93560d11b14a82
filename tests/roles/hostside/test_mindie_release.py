"""``config.json`` is what is installed with the instance's keys, or nothing is staged."""

import io
import json
from pathlib import Path
from typing import Any

import durable
import places
import pytest
import receipts
import stage

from tests.standins.mindie import shipped

MODEL = "BackendConfig.ModelDeployConfig.ModelConfig.0"
KEYS = {
    "ServerConfig.port": 1040,
    "ServerConfig.managementIpAddress": "127.0.0.1",
    "ServerConfig.managementPort": 1041,
    "ServerConfig.metricsPort": 1042,
    "ServerConfig.httpsEnabled": False,
    "ServerConfig.interCommTLSEnabled": False,
    "BackendConfig.interNodeTLSEnabled": False,
    "BackendConfig.npuDeviceIds": [[0, 1]],
    f"{MODEL}.modelName": "qwen3-vl",
    f"{MODEL}.worldSize": 2,
    f"{MODEL}.npuMemSize": 8,
}


class Staged:
    """A MindIE that is installed, and a release of it to stage."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.installed, self.patch = folder / "installed.json", monkeypatch
        self.installed.write_text(shipped.config("3.0.0"))
        self.keys: dict[str, Any] = dict(KEYS)
        self.given: dict[str, Any] = {}

    def stage(self) -> None:
        """Stage it, as the control machine has it done."""
        asked: dict[str, Any] = {"version": "3.0.0", "installed": str(self.installed)}
        asked |= {"keys": self.keys, "given": self.given}
        asked["links"] = {f"{MODEL}.modelWeightPath": "weights"}
        wanted = {
            "instance": "chat",
            "release": "r1",
            "links": {"stack": "/opt/stacks/one", "weights": "/srv/weights/one"},
            "files": {
                "release.json": {"text": '{"unit": "u"}\n', "mode": "0644"},
                "wanted.json": {"text": json.dumps(asked), "mode": "0644"},
            },
            "checks": [],
            "secrets": {"generation": "g1", "files": {"api-key": ""}},
            "digest": "d1",
        }
        self.patch.setattr("sys.stdin", io.StringIO(json.dumps(wanted)))
        stage.main()

    def refused(self) -> str:
        """Stage it, which must not succeed."""
        with pytest.raises(SystemExit) as ended:
            self.stage()
        return str(ended.value)

    @property
    def file(self) -> Path:
        return Path(places.releases("chat"), "r1", "config.json")

    @property
    def config(self) -> Any:
        return json.loads(self.file.read_text())

    @property
    def drift(self) -> list[str]:
        """What a run would be told of it."""
        receipt = durable.read_json(f"{places.receipts()}/stage-chat.json")
        return receipts.drifted(receipt)


@pytest.fixture
def staged(tree: Path, monkeypatch: pytest.MonkeyPatch) -> Staged:
    """A MindIE that is installed, and a release of it to stage."""
    return Staged(tree, monkeypatch)


def test_installed_file_with_the_instances_keys(staged: Staged) -> None:
    before = staged.installed.read_bytes()
    staged.given = {"ServerConfig.tokenTimeout": 900, f"{MODEL}.tp": 2}
    staged.stage()
    right = shipped.document("3.0.0")
    right["ServerConfig"] |= {
        "port": 1040, "managementIpAddress": "127.0.0.1", "managementPort": 1041,
        "metricsPort": 1042, "httpsEnabled": False, "interCommTLSEnabled": False,
        "tokenTimeout": 900,
    }  # fmt: skip
    right["BackendConfig"] |= {"interNodeTLSEnabled": False, "npuDeviceIds": [[0, 1]]}
    right["BackendConfig"]["ModelDeployConfig"]["ModelConfig"][0] |= {
        "modelName": "qwen3-vl", "modelWeightPath": "/srv/weights/one", "worldSize": 2,
        "npuMemSize": 8, "tp": 2,
    }  # fmt: skip
    assert staged.config == right
    assert staged.file.stat().st_mode & 0o777 == 0o644
    assert staged.installed.read_bytes() == before


def test_key_made_by_hand_in_the_installed_file_is_served(staged: Staged) -> None:
    staged.installed.write_text(staged.installed.read_text().replace(": 1000,", ": 321,"))
    staged.stage()
    assert staged.config["ServerConfig"]["maxLinkNum"] == 321


def test_second_time_nothing_is_written(staged: Staged, capsys: pytest.CaptureFixture[str]) -> None:
    staged.stage()
    before = staged.file.stat()
    staged.stage()
    after = staged.file.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert (capsys.readouterr().out, staged.drift) == ("", [])


def test_file_that_was_edited_by_hand_is_told_and_laid_out_anew(
    staged: Staged, capsys: pytest.CaptureFixture[str]
) -> None:
    staged.stage()
    right = staged.file.read_text()
    staged.file.write_text(right.replace("1040", "1050"))
    assert staged.drift == [f"{staged.file} has another sha256"]
    staged.stage()
    assert f"{staged.file.parent} was changed by hand; laid out anew" in capsys.readouterr().out
    assert (staged.file.read_text(), staged.drift) == (right, [])


def test_installed_file_that_was_changed_since_is_told(staged: Staged) -> None:
    staged.stage()
    staged.installed.write_text(staged.installed.read_text().replace(": 1000,", ": 321,"))
    assert staged.drift == [f"{staged.installed} has another sha256"]
    staged.stage()
    assert (staged.config["ServerConfig"]["maxLinkNum"], staged.drift) == (321, [])


ENDS = "chat r1 is not staged, nothing that serves was touched: "


def test_no_installed_file(staged: Staged) -> None:
    staged.installed.unlink()
    said = staged.refused()
    assert said.startswith(f"{ENDS}{staged.installed} cannot be read (")
    assert "it comes with MindIE 3.0.0, deploy/prepare.py and deploy/stage.py install that" in said
    assert not Path(places.releases("chat")).exists()


def test_installed_file_that_is_no_json(staged: Staged) -> None:
    staged.installed.write_text('{\n "port" : 1025, # mine\n}')
    said = staged.refused()
    assert said.startswith(f"{ENDS}{staged.installed} line 2: ")
    assert "should be without the comment" in said
    assert not Path(places.releases("chat")).exists()


def test_every_rule_that_would_be_broken_is_told(staged: Staged) -> None:
    """By a key of the instance, and by one that somebody made by hand."""
    staged.stage()
    before = staged.file.read_bytes()
    text = staged.installed.read_text()
    staged.installed.write_text(text.replace('"maxPrefillTokens": 8192', '"maxPrefillTokens": 8'))
    staged.keys[f"{MODEL}.worldSize"] = 4
    said = staged.refused().splitlines()
    assert said[0] == (
        f"{ENDS}MindIE 3.0.0 would refuse {staged.installed} with the keys of this instance:"
    )
    assert any("maxPrefillTokens should not be less than maxInputTokenLen" in line for line in said)
    assert any("does not equal to worldSize" in line for line in said)
    assert staged.file.read_bytes() == before
