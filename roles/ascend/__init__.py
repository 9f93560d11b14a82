"""Huawei's driver, firmware and CANN, as steps to their pinned versions."""

from roles.ascend.steps import steps

__all__ = ["steps"]
