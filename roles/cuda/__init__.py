"""NVIDIA's driver and container toolkit, as steps to their pinned versions."""

from roles.cuda.steps import steps

__all__ = ["steps"]
