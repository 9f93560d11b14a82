"""Releases of an instance: staged beside the live one, activated as one transaction."""

from roles.release.apart import Judged
from roles.release.back import WayBackError, refuse_wrong_ways_back, wish
from roles.release.before import Way, Wish, since, way
from roles.release.deploy import stage, tell_unwanted
from roles.release.moves import Move, backward, forward, served
from roles.release.release import Release

__all__ = [
    "Judged",
    "Move",
    "Release",
    "Way",
    "WayBackError",
    "Wish",
    "backward",
    "forward",
    "refuse_wrong_ways_back",
    "served",
    "since",
    "stage",
    "tell_unwanted",
    "way",
    "wish",
]
