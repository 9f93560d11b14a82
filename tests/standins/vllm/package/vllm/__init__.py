"""Stand-in of the vLLM server: it refuses what vLLM refuses and answers from a table."""

from importlib.metadata import version

__version__ = version("vllm")
