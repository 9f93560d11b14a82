"""The distribution's packages on Debian and Ubuntu, as steps."""

from roles.apt.steps import downloaded, hold, install, installs, pin, repairs, updated

__all__ = ["downloaded", "hold", "install", "installs", "pin", "repairs", "updated"]
