"""MindIE's dialogue is asked the first question, and what it logs is read."""

import base64
import json
import os
import sys
from pathlib import Path
from typing import Any

import offline_mindie
import pytest

from tests.roles.hostside.staged import SUM

_LOG = "[2026-11-26 18:00:00,000] [7] [llm] [INFO] [logging.py-1] : "
_ANSWERED = f"""\
{_LOG}---------------End warm_up---------------
{_LOG}Question[0]: What is this?
{_LOG}Answer[0]: A red
circle.
{_LOG}Generate[0] token num: (0, 4)
"""
# Says what it was given, and what lies in the folder that it was shown.
_TORCHRUN = """\
#!{python} -SE
import json, os, sys
folder = sys.argv[sys.argv.index("--image_path") + 1]
found = {{name: open(folder + "/" + name, "rb").read().hex() for name in os.listdir(folder)}}
open({kept!r}, "w").write(json.dumps([sys.argv[1:], found]))
print({said!r}, end="")
sys.exit({code})
"""
IMAGE = {
    **SUM, "name": "circle", "kind": "image", "prompt": "What is this?", "expect": "circle",
    "media": f"data:image/png;base64,{base64.b64encode(b'a picture').decode()}",
}  # fmt: skip


class Dialogue:
    """A ``torchrun`` that says what a test wants."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.folder, self.patch = folder, monkeypatch
        model = {"worldSize": 2, "modelWeightPath": "/srv/weights/one"}
        config = {"ModelDeployConfig": {"maxInputTokenLen": 2048, "ModelConfig": [model]}}
        (folder / "config.json").write_text(json.dumps({"BackendConfig": config}))
        monkeypatch.setenv("MIES_CONFIG_JSON_PATH", str(folder / "config.json"))
        monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")

    def says(self, text: str, code: int = 0) -> None:
        """Let it say something and end."""
        program = self.folder / "torchrun"
        kept = str(self.folder / "kept.json")
        program.write_text(_TORCHRUN.format(python=sys.executable, kept=kept, said=text, code=code))
        program.chmod(0o755)

    def ask(self, *questions: Any) -> None:
        """Ask, as the release's start has it done."""
        given = self.folder / "given.json"
        given.write_text(json.dumps(questions))
        with given.open() as opened:
            self.patch.setattr("sys.stdin", opened)
            offline_mindie.main()

    @property
    def asked(self) -> Any:
        """The words, and the files that it was shown."""
        return json.loads((self.folder / "kept.json").read_text())


@pytest.fixture
def dialogue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dialogue:
    """A ``torchrun`` that says what a test wants."""
    return Dialogue(tmp_path, monkeypatch)


def test_first_question_is_asked(dialogue: Dialogue, capsys: pytest.CaptureFixture[str]) -> None:
    dialogue.says(_ANSWERED)
    dialogue.ask(IMAGE, {**IMAGE, "name": "another"})
    said = capsys.readouterr().out
    assert _ANSWERED in said
    (report,) = json.loads(said.splitlines()[-1])
    assert (report["check"], report["passed"], report["got"]) == (
        "circle", True, "A red\ncircle.",
    )  # fmt: skip
    words, shown = dialogue.asked
    folder = words[words.index("--image_path") + 1]
    assert words == [
        *("--nproc_per_node", "2", "--master_port", "20030"),
        *("-m", "examples.models.qwen3_vl.qwen3_vl", "--model_path", "/srv/weights/one"),
        *("--image_path", folder, "--input_texts_for_image", "What is this?"),
        *("--max_batch_size", "1", "--max_input_length", "2048", "--max_output_length", "8"),
    ]
    assert shown == {"asked.png": b"a picture".hex()}
    assert not Path(folder).exists()


def test_wrong_answer_is_told(dialogue: Dialogue, capsys: pytest.CaptureFixture[str]) -> None:
    dialogue.says(_ANSWERED)
    dialogue.ask({**IMAGE, "expect": "square"})
    (report,) = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert (report["passed"], report["why"]) == (
        False, "answered 'A red\\ncircle.', expected 'square'",
    )  # fmt: skip


@pytest.mark.parametrize(("said", "code"), [("RuntimeError: NPU out of memory.", 1), ("", 0)])
def test_dialogue_that_fails_leaves_its_words(
    dialogue: Dialogue, capsys: pytest.CaptureFixture[str], said: str, code: int
) -> None:
    dialogue.says(said, code)
    with pytest.raises(SystemExit) as ended:
        dialogue.ask(IMAGE)
    assert ended.value.code == 1
    assert capsys.readouterr().out == f"{said}\n"


def test_text_alone_it_cannot_be_asked(dialogue: Dialogue) -> None:
    with pytest.raises(SystemExit, match=r"^MindIE's dialogue shows an image or a video; "):
        dialogue.ask(SUM)
