"""Releases of an instance: staged beside the live one, activated as one transaction."""

from roles.release.apart import Judged
from roles.release.back import WayBackError, refuse_wrong_ways_back, wish
from roles.release.before import Way, Wish, way
from roles.release.deploy import activate, roll_back, stage
from roles.release.release import Release

__all__ = [
    "Judged",
    "Release",
    "Way",
    "WayBackError",
    "Wish",
    "activate",
    "refuse_wrong_ways_back",
    "roll_back",
    "stage",
    "way",
    "wish",
]
