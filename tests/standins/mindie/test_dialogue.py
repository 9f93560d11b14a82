"""The stand-in of the ATB models has a dialogue with Qwen3-VL, as MindIE's script starts it."""

import os
import subprocess
import sys
import tarfile
from pathlib import Path

import pytest

from tests.standins.ascend import build, npu, runfile
from tests.standins.mindie.served import Host
from tests.standins.openai.served import MP4, PNG

_MODULE = "examples.models.qwen3_vl.qwen3_vl"


class Models(Host):
    """A place in which the ATB models were unpacked, and images to be asked about."""

    def __init__(self, folder: Path, root: Path, *, chips: list[npu.Chip] | None = None) -> None:
        super().__init__(folder, root, chips=chips)
        archive = build.atb_models(folder, questions=root.parent / "questions.json")
        self.models = folder / "atb-models"
        with tarfile.open(archive) as opened:
            opened.extraction_filter = getattr(tarfile, "data_filter", None)
            opened.extractall(self.models)  # noqa: S202 packed by us
        self.images = folder / "images"
        self.images.mkdir()
        (self.images / "a.png").write_bytes(PNG)
        (self.images / "b.mp4").write_bytes(MP4)
        # ``python`` and ``torchrun`` of a stack, in whose place are this machine's and a script.
        (folder / "bin").mkdir()
        (folder / "bin/python").symlink_to(sys.executable)
        script = f'#!/bin/sh\nexec {sys.executable} -m torch.distributed.run "$@"\n'
        (folder / "bin/torchrun").write_text(script)
        (folder / "bin/torchrun").chmod(0o755)

    def run(self, *words: object, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run something in the folder of the models, with what their script sets."""
        above = self.root.parent
        paths = (self.models, runfile.PAYLOAD / "python")
        environment = self.environment(
            PATH=f"{self.folder / 'bin'}:{os.defpath}",
            PYTHONPATH=":".join(map(str, paths)),
            ATB_HOME_PATH=str(above / "atb"),
            **changed,
        )
        given = [str(word) for word in words]
        return subprocess.run(
            given, cwd=self.models, env=environment, text=True, capture_output=True, check=False
        )

    def script(self, *words: object, **changed: str) -> subprocess.CompletedProcess[str]:
        """Run the script."""
        return self.run("bash", "examples/models/qwen3_vl/run_pa.sh", *words, **changed)


@pytest.fixture
def models(root: Path, tmp_path: Path) -> Models:
    return Models(tmp_path / "host", root)


def test_each_image_is_asked_about(models: Models) -> None:
    done = models.script(
        *("--trust_remote_code", "--model_path", models.model, "--image_path", models.images),
        *(1, 2000, 3),
    )
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[:6] == [
        "[TRUST_REMOTE_CODE]: true",
        f"[MODEL_PATH]: {models.model}",
        f"[IMAGE_PATH]: {models.images}",
        "[MAX_BATCH_SIZE]: 1",
        "[MAX_INPUT_LENGTH]: 2000",
        "[MAX_OUTPUT_LENGTH]: 3",
    ]
    assert [line.partition("] : ")[2] for line in said[6:]] == [
        "---------------Begin warm_up---------------",
        "warmup_memory(GB):  4.00",
        "---------------End warm_up---------------",
        "Question[0]: describe this image",
        "Answer[0]: I do not",
        "Generate[0] token num: (0, 3)",
        "Question[1]: describe this image",
        "Answer[1]: I do not",
        "Generate[1] token num: (1, 3)",
    ]
    assert not (models.models / "shm_name.txt").exists()


def test_another_question_is_not_the_scripts(models: Models) -> None:
    words = ["--model_path", models.model, "--image_path", models.images, "--max_batch_size", 3]
    done = models.run("python", "-m", _MODULE, *words, "--input_texts_for_image", "What?")
    assert done.returncode == 0, done.stderr
    answers = [line.partition("] : ")[2] for line in done.stdout.splitlines() if "Answer" in line]
    # A batch is filled with the last of them.
    assert answers == ["Answer[0]: red", "Answer[1]: left", "Answer[2]: left"]


def test_what_is_said_is_in_the_log(models: Models) -> None:
    words = ("--model_path", models.model, "--image_path", models.images)
    assert "Answer[0]" not in models.script(*words, MINDIE_LOG_TO_STDOUT="0").stdout


def test_chips_are_the_scripts_own(models: Models) -> None:
    """What is exported is written over; two ranks are had by changing the script."""
    words = ("--model_path", models.model, "--image_path", models.images)
    assert models.script(*words, ASCEND_RT_VISIBLE_DEVICES="7").returncode == 0
    file = models.models / "examples/models/qwen3_vl/run_pa.sh"
    file.write_text(file.read_text().replace("VISIBLE_DEVICES=0\n", "VISIBLE_DEVICES=0,1\n"))
    done = models.script(*words)
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("Answer[0]") == 1
    assert len((models.folder / "dev/davinci1").read_text().splitlines()) == 1
    file.write_text(file.read_text().replace("VISIBLE_DEVICES=0,1\n", "VISIBLE_DEVICES=0,2\n"))
    done = models.script(*words)
    assert done.returncode == 1
    assert "Invalid device ID." in done.stderr


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "Error: require parameter. Please refer to README.\n"),
        (("--model_path",), "Error: --model_path requires a valid non-empty value\n"),
        (("--model_path", "--image_path"), "Error: --model_path requires a valid non-empty value"),
        (("--model_path", "/m"), "Error: --image_path parameter is required\n"),
        # The words have their order.
        (("--image_path", "/i", "--model_path", "/m"), "Error: --model_path parameter is required"),
    ],
)
def test_words_it_refuses(models: Models, words: tuple[str, ...], told: str) -> None:
    done = models.script(*words)
    assert done.returncode == 1
    assert told in done.stdout


def test_what_cannot_be_shown_or_loaded(models: Models, root: Path, tmp_path: Path) -> None:
    words = ("--model_path", models.model, "--image_path", models.images)
    (models.images / "c.txt").write_text("no image")
    assert "currently only supports 'image' and 'video'." in models.script(*words).stderr
    (models.images / "c.txt").unlink()
    models.images.chmod(0o777)
    assert "should not be writable by others" in models.script(*words).stderr
    models.images.chmod(0o755)
    assert "libatb.so: cannot open shared" in models.script(*words, LD_LIBRARY_PATH="").stderr

    duo = Models(tmp_path / "duo", root, chips=npu.duo())
    duo.config_json(dtype="bfloat16")
    done = duo.script("--model_path", duo.model, "--image_path", duo.images)
    assert done.returncode == 1
    assert "This device does not support bfloat16." in done.stderr
