"""Hosts out of rotation because somebody said so, until somebody says otherwise."""

from roles.quarantine.deploy import begin, end

__all__ = ["begin", "end"]
