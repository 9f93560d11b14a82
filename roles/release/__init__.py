"""Releases of an instance: staged beside the live one, activated as one transaction."""

from roles.release.deploy import stage, tell_unwanted
from roles.release.moves import Move, backward, forward, served
from roles.release.release import Release

__all__ = ["Move", "Release", "backward", "forward", "served", "stage", "tell_unwanted"]
