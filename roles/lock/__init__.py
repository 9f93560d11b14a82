"""One run at a time changes a host."""

from roles.lock.operations import at_work, deploy_lock, held, held_by, owner, taken_over

__all__ = ["at_work", "deploy_lock", "held", "held_by", "owner", "taken_over"]
