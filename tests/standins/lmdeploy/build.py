"""The wheel of LMDeploy's stand-in."""

from pathlib import Path

from tests.standins.openai import wheel

VERSIONS = ("0.12.3", "0.18.0")
_PACKAGE = Path(__file__).parent / "package/lmdeploy"


def build(folder: Path, questions: Path, version: str) -> Path:
    """See ``wheel.build``; of ``VERSIONS`` the command line is known."""
    return wheel.build(folder, _PACKAGE, questions, version)
