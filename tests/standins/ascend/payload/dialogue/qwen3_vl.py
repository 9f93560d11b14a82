"""
A dialogue with Qwen3-VL: each image or video of a folder is shown, and asked about.

The arguments, the order of things and what is printed are those of ``qwen3_vl.py`` of MindIE-LLM;
as there, questions and answers are lines of a log, which comes to the output when
``MINDIE_LOG_TO_STDOUT`` asks for it. The model is loaded as the server's stand-in loads it.
"""

import argparse
import hashlib
import os
import sys
import time
from pathlib import Path

import torch_npu  # type: ignore[import-not-found]  # noqa: F401  # as the real one does
from atb_llm.file_utils import (  # type: ignore[import-not-found]
    check_path_permission,
    standardize_path,
)

sys.path.insert(0, str(Path(__file__).resolve().parents[3] / "lib/libmindie_standin.zip"))

from mindie_standin import chips, installation, model  # type: ignore[import-not-found]

from tests.standins.openai.server.errors import StartError
from tests.standins.openai.server.truth import Truth

_IMAGES, _VIDEOS = (".jpg", ".jpeg", ".png"), (".mp4", ".avi", ".wmv")
_SHM = Path("shm_name.txt")
_MIB = 4096


def log(text: str) -> None:
    """Write a line of the log."""
    line = f"[{time.strftime('%F %T')},000] [{os.getpid()}] [llm] [INFO] [logging.py-1] : {text}"
    if os.environ.get("MINDIE_LOG_TO_STDOUT", "0").lower() in ("1", "true"):
        print(line, flush=True)


def parse_arguments() -> argparse.Namespace:
    """Return the arguments; what is not known is refused."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--model_path", type=Path, required=True)
    parser.add_argument("--image_path", type=str, required=True)
    parser.add_argument("--input_texts_for_image", nargs="+", default=["describe this image"])
    parser.add_argument("--max_batch_size", type=int, default=1)
    parser.add_argument("--max_input_length", type=int, default=1024)
    parser.add_argument("--max_output_length", type=int, default=20)
    parser.add_argument("--max_prefill_tokens", type=int, default=-1)
    parser.add_argument("--trust_remote_code", action="store_true")
    return parser.parse_args()


def load(asked: argparse.Namespace, rank: int, world: int) -> None:
    """Have this rank's share of the model on its chip."""
    number = chips.logic(int(os.environ.get("LOCAL_RANK", "0")))
    opened = chips.take(number)
    share = model.load(
        asked.model_path,
        version=installation.ABOUT["version"],
        chip=chips.name(number),
        rank=rank,
        world=world,
    )
    chips.allocate(number, opened, share + _MIB)


def shown(folder: str) -> list[Path]:
    """Return what is shown: all files of a folder, each of a kind that is known."""
    path = standardize_path(folder)
    check_path_permission(path)
    files = sorted(Path(path).iterdir())
    for file in files:
        if file.suffix.lower() not in (*_IMAGES, *_VIDEOS):
            raise TypeError(
                "The multimodal input field currently only supports 'image' and 'video'."
            )
    return files


def main() -> int:
    """See the module."""
    asked = parse_arguments()
    rank, world = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
    files, texts = shown(asked.image_path), list(asked.input_texts_for_image)
    try:
        load(asked, rank, world)
    except StartError as failure:
        print(f"Traceback (most recent call last):\n{failure}", file=sys.stderr)
        return 1
    # A batch is filled with the last of them.
    files += files[-1:] * (-len(files) % asked.max_batch_size)
    texts += texts[-1:] * (len(files) - len(texts))
    if rank:
        return 0
    _SHM.write_text("")
    log("---------------Begin warm_up---------------")
    log(f"warmup_memory(GB): {_MIB / 1024: .2f}")
    log("---------------End warm_up---------------")
    truth = Truth("mindie_standin")
    for number, (file, text) in enumerate(zip(files, texts, strict=False)):
        digest = hashlib.sha256(file.read_bytes()).hexdigest()
        words = truth.answer(text, (digest,)).split(" ")[: asked.max_output_length]
        log(f"Question[{number}]: {text}")
        log(f"Answer[{number}]: {' '.join(words)}")
        log(f"Generate[{number}] token num: {(number, len(words))}")
    _SHM.unlink()
    return 0


if __name__ == "__main__":
    sys.exit(main())
