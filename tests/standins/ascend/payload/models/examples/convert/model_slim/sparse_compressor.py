"""
The compressor: the arguments, checks and files of ``sparse_compressor.py`` of MindIE-LLM, and
half of every shard in the place of a compressed one.

What it says on a chip that is no Atlas 300I's, and what its parts' files are called in 3.0.0, was
seen nowhere.
"""

import argparse
import json
import os
import shutil
import struct
import time
from pathlib import Path
from typing import Any

import msmodelslim  # type: ignore[import-not-found]  # noqa: F401  # as the real one does
import torch_npu  # type: ignore[import-not-found]  # noqa: F401
from atb_llm.file_utils import (  # type: ignore[import-not-found]
    check_path_permission,
    standardize_path,
)

_STANDIN = Path(os.environ.get("STANDIN_ASCEND", "/var/lib/standin/ascend"))
_RUNNING = Path(os.environ.get("STANDIN_ASCEND_RUNNING", "/run/standin/ascend/processes"))
_KINDS = ("tokenizer", "tokenization", "special_token_map", "generation", "configuration")


def parse_arguments() -> argparse.Namespace:
    """Return the arguments; what is not known is refused."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--model_path", type=str)
    parser.add_argument("--save_directory", type=str, required=True)
    parser.add_argument("--multiprocess_num", type=int, default=8)
    parser.add_argument("--save_split_w8a8s_dir", type=str, default=None)
    parser.add_argument("--trust_remote_code", action="store_true")
    return parser.parse_args()


def take_chip(rank: int) -> None:
    """Be on a chip, as npu-smi shows it; refuse one that is not there, another's or another."""
    chips = json.loads((_STANDIN / "npus.json").read_text())["devices"]
    visible = os.environ.get("ASCEND_RT_VISIBLE_DEVICES")
    ids = [int(one) for one in visible.split(",")] if visible else [c["logic"] for c in chips]
    if rank >= len(ids) or ids[rank] not in [chip["logic"] for chip in chips]:
        raise RuntimeError(f"Invalid device ID. device id {rank} of {visible}")
    (chip,) = [chip for chip in chips if chip["logic"] == ids[rank]]
    if not chip["name"].startswith("310P"):
        raise RuntimeError(f"weight compression is not supported on {chip['name']}")
    others = [json.loads(path.read_text()) for path in _RUNNING.glob("*.json")]
    node = Path(f"/dev/davinci{ids[rank]}")
    others += [json.loads(line) for line in node.read_text().splitlines()] if node.is_file() else []
    alive = [one for one in others if Path(f"/proc/{one['pid']}/exe").exists()]
    if chip["processes"] or any(one["logic"] == ids[rank] for one in alive):
        raise RuntimeError("NPU out of memory. Tried to allocate 2.00 GiB")
    _RUNNING.mkdir(parents=True, exist_ok=True)
    said = {"pid": os.getpid(), "logic": ids[rank], "name": "python", "mib": 2048}
    beside = _RUNNING / f"{os.getpid()}.new"
    beside.write_text(json.dumps(said))
    beside.rename(beside.with_suffix(".json"))


def load(model: Path) -> dict[str, Any]:
    """Return the model's settings; refuse one that is no W8A8S of 16 bits that it can read."""
    check_path_permission(standardize_path(str(model)))
    config: dict[str, Any] = json.loads((model / "config.json").read_text())
    if (config.get("text_config") or config).get("dtype") != "float16":
        raise NotImplementedError(
            "This device does not support bfloat16.Please change the data type(i.e. `torch_dtype`)"
            " to float16 in config.json from model weights."
        )
    if config.get("quantize") != "w8a8s":
        raise AssertionError(f"linear type not matched, quantize is {config.get('quantize')}")
    names = ("quant_model_description.json", "quant_model_description_w8a8s.json")
    if not any((model / name).is_file() for name in names):
        raise FileNotFoundError(f"[Errno 2] No such file or directory: '{model / names[1]}'")
    if not list(model.glob("*.safetensors")):
        raise FileNotFoundError(f"No local weights found in {model} with extension .safetensors")
    if os.environ.get("IGNORE_INFER_ERROR") != "1":
        raise RuntimeError("compress failed: infershape of CompressFcOp fail")
    return config


def compress(model: Path, part: Path) -> None:
    """Write a part."""
    part.mkdir(parents=True, exist_ok=True)
    for number, shard in enumerate(sorted(model.glob("*.safetensors"))):
        size = shard.stat().st_size // 2
        header = json.dumps({"w": {"dtype": "U8", "shape": [size], "data_offsets": [0, size]}})
        content = struct.pack("<Q", len(header)) + header.encode() + shard.read_bytes()[:size]
        _write(part / f"quant_model_weight_w8a8sc-{number}.safetensors", content)
        time.sleep(float(os.environ.get("STANDIN_SLOW_S", _knob("slow-compress"))))
    _write(part / "quant_model_description.json", b'{"model_quant_type": "W8A8SC"}')


def finish(model: Path, save: Path, config: dict[str, Any]) -> None:
    """Write what belongs to no part. This generation leaves ``quantize`` as it was."""
    target = save / "config.json"
    if target.exists():
        raise FileExistsError(
            f"The file {target} is expected not to exist, but it already does. "
            "Please check the input path."
        )
    _write(target, json.dumps(config | {"torch_dtype": "float16"}, indent=4).encode())
    for file in sorted(model.iterdir()):
        if any(kind in file.name for kind in _KINDS):
            shutil.copyfile(file, save / file.name)


def _write(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    path.chmod(0o600)


def _knob(name: str) -> str:
    knob = _STANDIN / "knobs" / name
    return knob.read_text() if knob.is_file() else "0"


if __name__ == "__main__":
    args = parse_arguments()
    rank, world_size = int(os.environ.get("RANK", 0)), int(os.environ.get("WORLD_SIZE", 1))
    directory = Path(args.save_directory)
    directory.mkdir(parents=True, exist_ok=True)
    check_path_permission(standardize_path(str(directory)))
    take_chip(rank)
    settings = load(Path(args.model_path))
    print(f"hbm_capacity(GB): 43.2, rank {rank}", flush=True)
    compress(Path(args.model_path), directory / f"part{rank}-of-{world_size}")
    if rank == 0:
        finish(Path(args.model_path), directory, settings)
