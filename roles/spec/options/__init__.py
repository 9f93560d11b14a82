"""What an engine can be told, typed per engine."""

from roles.spec.options.lmdeploy import LmdeployOptions
from roles.spec.options.mindie import MindieOptions
from roles.spec.options.vllm import VllmOptions

Options = VllmOptions | LmdeployOptions | MindieOptions

__all__ = ["LmdeployOptions", "MindieOptions", "Options", "VllmOptions"]
