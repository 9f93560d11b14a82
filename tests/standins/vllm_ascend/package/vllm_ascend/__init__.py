"""Stand-in of vLLM's plugin for Ascend: it refuses what the plugin, or the chip, refuses."""


def register() -> str:
    """Tell vLLM where the platform is."""
    return "vllm_ascend.platform.NPUPlatform"
