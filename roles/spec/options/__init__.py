"""What an engine can be told, typed per engine."""

from roles.spec.options.lmdeploy import LmdeployOptions
from roles.spec.options.mindie import MindieClient, MindieHttps, MindieOptions
from roles.spec.options.ollama import OllamaOptions
from roles.spec.options.vllm import VllmOptions

Options = VllmOptions | LmdeployOptions | MindieOptions | OllamaOptions

__all__ = [
    "LmdeployOptions",
    "MindieClient",
    "MindieHttps",
    "MindieOptions",
    "OllamaOptions",
    "Options",
    "VllmOptions",
]
