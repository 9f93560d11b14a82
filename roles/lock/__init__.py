"""One run at a time changes a host."""

from roles.lock.operations import Commands, at_work, deploy_lock, held, held_by, owner, taken_over

__all__ = ["Commands", "at_work", "deploy_lock", "held", "held_by", "owner", "taken_over"]
