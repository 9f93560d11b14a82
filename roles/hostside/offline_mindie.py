"""
A question to the models of MindIE, without its server.

A release's ``start`` runs it in the place of the server, with the stack's own Python. It reads
questions as JSON, has the first of them asked by the dialogue of the ATB models
(``examples/models/qwen3_vl`` of MindIE-LLM), and prints, as its last line, a report as ``ask.py``
does. The first alone, since the dialogue loads the model and ends. Its script ``run_pa.sh`` would
ask a question of its own, on chips of its own: what that script runs is run here. An image or a
video there has to be, the dialogue knows no other.
"""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import sys
import tempfile
import time
from typing import Any, List, Tuple

import ask

_PORT = 20030
_MODULE = "examples.models.qwen3_vl.qwen3_vl"
_ANSWER = re.compile(r"Answer\[0\]: (.*?)\n[^\n]*Generate\[0\] token num", re.DOTALL)


class Said:
    """An engine that has answered already."""

    def __init__(self, answer: str) -> None:
        self.answer = answer

    def complete(self, content: Any, max_tokens: int, within_s: float) -> Tuple[int, str]:
        """Return 200 and the answer."""
        return 200, self.answer


def words(question: Any, folder: str) -> List[str]:
    """
    Return the command of the dialogue.

    :param folder: where the image or video lies, and nothing else
    """
    with open(os.environ["MIES_CONFIG_JSON_PATH"], encoding="utf-8") as file:
        deploy = json.load(file)["BackendConfig"]["ModelDeployConfig"]
    model = deploy["ModelConfig"][0]
    return [
        *("torchrun", "--nproc_per_node", str(model["worldSize"]), "--master_port", str(_PORT)),
        *("-m", _MODULE, "--model_path", model["modelWeightPath"], "--image_path", folder),
        *("--input_texts_for_image", question["prompt"], "--max_batch_size", "1"),
        *("--max_input_length", str(deploy["maxInputTokenLen"])),
        *("--max_output_length", str(question["max_tokens"])),
    ]


def answer(question: Any) -> str:
    """
    Have a question asked and return the answer; everything that is said on the way is said again.

    :raises SystemExit: it was not answered
    """
    about, _, encoded = question["media"].partition(";base64,")
    # Its models take files of nobody but the user that runs them.
    with tempfile.TemporaryDirectory(prefix="asked-") as folder:
        path = "{}/asked.{}".format(folder, about.rpartition("/")[2])
        with open(path, "wb") as file:
            file.write(base64.b64decode(encoded))
        done = subprocess.run(
            words(question, folder),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
        )
    print(done.stdout)
    found = _ANSWER.search(done.stdout)
    if done.returncode or not found:
        raise SystemExit(done.returncode or 1)
    return found.group(1)


def main() -> None:
    """See the top of the file."""
    question = json.load(sys.stdin)[0]
    if not question["media"]:
        sys.exit("MindIE's dialogue shows an image or a video; text alone its server is asked")
    began = time.monotonic()
    engine: Any = Said(answer(question))
    report = ask.ask(engine, question)
    took = round(time.monotonic() - began, 3)
    print("\n" + json.dumps([dict(report, latency_s=took)]), flush=True)


if __name__ == "__main__":
    main()
