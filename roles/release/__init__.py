"""Releases of an instance: staged beside the live one, activated as one transaction."""

from roles.release.deploy import activate, roll_back, stage
from roles.release.release import Release

__all__ = ["Release", "activate", "roll_back", "stage"]
