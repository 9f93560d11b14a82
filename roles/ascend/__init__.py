"""Huawei's driver, firmware and CANN, as steps to their pinned versions."""

from roles.ascend.layout import driver_libraries, mindie_settings
from roles.ascend.steps import steps

__all__ = ["driver_libraries", "mindie_settings", "steps"]
