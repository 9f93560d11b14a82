"""The machine that a run is started on: what it needs there to be of use to many hosts."""

from roles.control.lines import know_deploys

__all__ = ["know_deploys"]
