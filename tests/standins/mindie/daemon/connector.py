"""
A rank of the model: a process of its own on a chip of its own, which lives until it is told not to.

What it says when it fails is the end of a traceback, and the code it ends with is 1; both are as
of Python. That a rank ends with the server that started it, whatever ended that, is ours.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import sys
import time
from pathlib import Path

from tests.standins.openai.server.errors import StartError

from . import chips, installation, journal, model

_LIBRARY = "ImportError: {}: cannot open shared object file: No such file or directory"


def main() -> int:
    """Load, say so on a pipe, and wait for its end."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for option in ("rank", "world", "device", "npu-mem-gib", "ready-fd", "alive-fd"):
        parser.add_argument(f"--{option}", type=int, required=True)
    parser.add_argument("--start-s", type=float, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    parser.add_argument("--die")
    asked = parser.parse_args()
    Path("/proc/self/comm").write_text("mindie_llm_backe", encoding="utf-8")
    try:
        _load(asked)
    except StartError as failure:
        where = '  File "mindie_llm/model_wrapper/model_wrapper.py", line 1, in initialize'
        journal.warn(f"Traceback (most recent call last):\n{where}\n{failure}")
        return 1
    os.write(asked.ready_fd, b"ready\n")
    os.close(asked.ready_fd)
    os.read(asked.alive_fd, 1)
    return 0


def _load(asked: argparse.Namespace) -> None:
    _imports()
    number = chips.logic(asked.device)
    opened = chips.take(number)
    version = installation.ABOUT["version"]
    share = model.load(
        asked.weights,
        version=version,
        chip=chips.name(number),
        rank=asked.rank,
        world=asked.world,
    )
    if asked.npu_mem_gib < 0:
        # All that is left is the cache's, and none is left for images: by the documentation this
        # is not supported, and what becomes of it was seen nowhere.
        raise StartError("RuntimeError: NPU out of memory. npuMemSize is -1, of a multimodal model")
    _kernels()
    chips.allocate(number, opened, share + 1024 * asked.npu_mem_gib)
    time.sleep(asked.start_s)
    if asked.die:
        raise StartError(asked.die)


def _imports() -> None:
    """What a rank imports, and what that wants of the environment."""
    llm = os.environ.get("MINDIE_LLM_HOME_PATH")
    if not llm:
        raise StartError("ModuleNotFoundError: No module named 'mindie_llm'")
    atb = os.environ.get("ATB_HOME_PATH")
    if not atb or not installation.on_library_path(Path(atb)):
        raise StartError(_LIBRARY.format("libatb.so"))
    try:
        found = importlib.util.find_spec("atb_llm.runner")
    except ModuleNotFoundError:
        raise StartError("ModuleNotFoundError: No module named 'atb_llm'") from None
    except ImportError as error:
        raise StartError(f"ImportError: {error}") from None
    if not found or not found.origin:
        raise StartError("ModuleNotFoundError: No module named 'atb_llm.runner'")
    beside = Path(found.origin).parents[1] / "lib/libatb_speed_torch.so"
    speed = os.environ.get("ATB_SPEED_HOME_PATH")
    if not speed and not beside.is_file():
        raise StartError("ValueError: env ATB_SPEED_HOME_PATH not exist, source set_env.sh")


def _kernels() -> None:
    """Leave the folder that the operators' compiler leaves where the server runs."""
    folder = Path.cwd() / f"kernel_meta_temp_{os.getpid()}"
    try:
        folder.mkdir()
    except OSError as error:
        raise StartError(f"{type(error).__name__}: {error}") from None


if __name__ == "__main__":
    sys.exit(main())
