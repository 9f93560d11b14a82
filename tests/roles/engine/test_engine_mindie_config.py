"""The command that prints the file, or what MindIE would refuse of it."""

import json
from pathlib import Path
from typing import Any

import pytest

from roles.engine import mindie_config
from tests.roles.mindie_files import ABSENT, MODEL, changed
from tests.standins.mindie import shipped

SHAPE = Path(__file__).parents[1] / "preflight/shapes/8b.json"
Captured = pytest.CaptureFixture[str]
SCHEDULE = "BackendConfig.ScheduleConfig"


class Written:
    """FILE and INSTANCE.json."""

    def __init__(self, folder: Path) -> None:
        self.file, self.instance = folder / "config.json", folder / "instance.json"
        self.write(shipped.config("3.0.0"))
        self.describe()

    def write(self, text: str) -> None:
        self.file.write_text(text)

    def describe(self, *, options: dict[str, Any] | None = None, **fields: Any) -> None:
        right: dict[str, Any] = {
            "options": {"world_size": 2, "max_prefill_batch_size": 4} | (options or {}),
            "devices": [4, 5],
            "port": 1040,
            "model": "qwen3-vl",
            "weights": "/srv/weights/qwen3-vl-8b",
            "config": str(SHAPE),
        }
        self.instance.write_text(json.dumps(right | fields))

    def run(self) -> int:
        return mindie_config.main([str(self.file), str(self.instance)])


@pytest.fixture
def written(tmp_path: Path) -> Written:
    return Written(tmp_path)


def test_prints_the_file(written: Written, capsys: Captured) -> None:
    assert written.run() == 0
    told = capsys.readouterr()
    file = json.loads(told.out)
    assert file["ServerConfig"]["port"] == 1040
    assert file["BackendConfig"]["npuDeviceIds"] == [[0, 1]]
    assert file["LogConfig"] == shipped.document("3.0.0")["LogConfig"]
    assert told.err == (
        f"{MODEL}.npuMemSize: 1 GiB a chip, for 4 × 2560 tokens (maxPrefillBatchSize × maxSeqLen)\n"
    )


def test_says_what_is_left_out(written: Written, capsys: Captured) -> None:
    """Whether the version is told or known by the keys."""
    written.write(shipped.config("1.0.0"))
    for version in (None, "1.0.0"):
        written.describe(version=version, options={"npu_mem_size": 4})
        assert written.run() == 0
        told = capsys.readouterr()
        assert "trustRemoteCode" not in told.out
        assert told.err == f"{MODEL}.trustRemoteCode: left out, this version does not have it\n"


def test_a_key_that_had_to_be_there(written: Written, capsys: Captured) -> None:
    written.write(json.dumps(changed({f"{MODEL}.trustRemoteCode": ABSENT})))
    assert written.run() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines()[-1] == (
        f'{MODEL}.trustRemoteCode: is missing, MindIE says "[ParamChecker::CheckJsonParamType] '
        'trustRemoteCode: missing compulsory field", '
        "should be there, as in the file that MindIE ships"
    )


def test_every_broken_rule(written: Written, capsys: Captured) -> None:
    """The seed's prompt over the shipped prefill, and two more."""
    written.describe(
        port=1120,
        options={
            "max_input_token_len": 10240,
            "max_seq_len": 10240,
            "config": {f"{MODEL}.backendType": "vllm"},
        },
    )
    assert written.run() == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.splitlines() == [
        'ServerConfig.port: is 1120, MindIE says "Endpoint port cannot be equal to '
        'multiNodesInferPort.", should be another port than 1120',
        f'{MODEL}.backendType: is "vllm", MindIE says "Backend type only supports atb, ms, '
        'torch.", should be atb',
        f'{SCHEDULE}.maxPrefillTokens: is 8192, MindIE says "The value of maxPrefillTokens '
        'should not be less than maxInputTokenLen.", should be 10240 or more',
    ]


def test_no_room_for_a_vision_tower(written: Written, capsys: Captured) -> None:
    written.describe(options={"npu_mem_size": -1})
    assert written.run() == 1
    assert capsys.readouterr().err == (
        f"{MODEL}.npuMemSize: is -1, which leaves a vision tower no room, "
        "should be GiB a chip: 1 by MindIE's documentation\n"
    )
    written.describe(config=None)
    assert written.run() == 0
    assert capsys.readouterr().err == (
        f"{MODEL}.npuMemSize: -1, for a model without a vision tower; else give config, or a size\n"
    )


def test_no_json(written: Written, capsys: Captured) -> None:
    written.write('{\n  "port": 1025, # the seed has comments\n  "a": 1\n}')
    assert written.run() == 1
    assert capsys.readouterr().err == (
        f'{written.file}: line 2: "Json file is invalid. Please check json format! " of '
        "'\"port\": 1025, # the seed has comments', "
        "should be without the comment, which JSON does not have\n"
    )


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"port": 80}, "port: is 80, should be greater than or equal to 1024"),
        (
            {"devices": [0]},
            "options/world_size: is 2 on 1 device(s), should equal the number of devices",
        ),
        ({"version": "latest"}, "version: is 'latest', should be a version such as 3.0.0"),
        ({"name": "chat"}, "name: there is no such key, "),
        (
            {"options": {"world": 2}},
            "options/world: there is no such key, did you mean world_size",
        ),
        (
            {"options": {"config": {"ServerConfig.port": 1}}},
            "options/config: ServerConfig.port is rendered from the spec, "
            "leave it out and set the field that says it",
        ),
    ],
)
def test_wrong_instances(
    written: Written, fields: dict[str, Any], message: str, capsys: Captured
) -> None:
    written.describe(**fields)
    assert written.run() == 2
    assert f"{written.instance}: {message}" in capsys.readouterr().err


def test_wrong_words(written: Written, tmp_path: Path, capsys: Captured) -> None:
    assert mindie_config.main([]) == 2
    usage = "usage: python -m roles.engine.mindie_config FILE INSTANCE.json\n"
    assert capsys.readouterr().err == usage
    nowhere = str(tmp_path / "none.json")
    assert mindie_config.main([nowhere, str(written.instance)]) == 2
    assert capsys.readouterr().err.startswith(f"{nowhere}: cannot be read (")
    for text, message in (("{", "is no JSON ("), ("[]", "is no JSON object, ")):
        written.instance.write_text(text)
        assert written.run() == 2
        assert capsys.readouterr().err.startswith(f"{written.instance}: {message}")
    model = tmp_path / "model.json"
    model.write_text("{}")
    written.describe(config=str(model))
    assert written.run() == 2
    message = f"{model}: says not enough of the model (KeyError: 'num_attention_heads'), "
    assert capsys.readouterr().err == f"{message}should be its config.json\n"
