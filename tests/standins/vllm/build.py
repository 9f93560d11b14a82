"""The wheel of vLLM's stand-in."""

from pathlib import Path

from tests.standins.openai import wheel

VERSION = "0.32.0"
_PACKAGE = Path(__file__).parent / "package/vllm"


def build(folder: Path, questions: Path, version: str = VERSION) -> Path:
    """See ``wheel.build``."""
    return wheel.build(folder, _PACKAGE, questions, version)
