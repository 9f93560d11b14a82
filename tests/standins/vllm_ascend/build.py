"""The wheels of vllm-ascend's stand-in: the plugin, torch and torch-npu, beside vLLM's own."""

from pathlib import Path

from tests.standins.openai import wheel
from tests.standins.vllm import build as vllm

VERSION, TORCH, TORCH_NPU = "0.18.0", "2.9.0", "2.9.0.post2"
_PACKAGE = Path(__file__).parent / "package"
_CHIPS = "tests/standins/mindie/daemon/chips.py"
_PLUGIN = "[vllm.platform_plugins]\nascend = vllm_ascend:register\n"


def build(folder: Path, questions: Path, *, chip: str = "_310P") -> Path:
    """
    Put the wheels into a folder, and ``lock.txt`` beside them.

    :param questions: as ``wheel.build`` wants them
    :param chip: that the plugin is built for, ``A2`` or ``_310P``; ``_build_info.py`` says so
    """
    lock = vllm.build(folder, questions, VERSION)
    plugin = _sources("vllm_ascend") | {
        "vllm_ascend/_build_info.py": f"__device_type__ = {chip!r}\n".encode(),
        f"vllm_ascend-{VERSION}.dist-info/entry_points.txt": _PLUGIN.encode(),
        _CHIPS: (Path(__file__).parents[3] / _CHIPS).read_bytes(),
    }
    made = [
        wheel.pack(folder, "torch", TORCH, _sources("torch") | {"torch/lib/libtorch.so": b"\n"}),
        wheel.pack(folder, "torch_npu", TORCH_NPU, _sources("torch_npu")),
        wheel.pack(folder, "vllm_ascend", VERSION, plugin),
    ]
    lock.write_text("".join(map(wheel.pinned, made)) + lock.read_text(), encoding="utf-8")
    return lock


def _sources(package: str) -> dict[str, bytes]:
    files = (_PACKAGE / package).glob("*.py")
    return {f"{package}/{file.name}": file.read_bytes() for file in files}
