"""The distribution's packages on Debian and Ubuntu, as steps."""

from roles.apt.steps import hold, install, installs, pin, repairs, updated

__all__ = ["hold", "install", "installs", "pin", "repairs", "updated"]
