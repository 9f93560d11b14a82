"""One run at a time changes a host."""

from roles.lock.operations import deploy_lock, held, owner

__all__ = ["deploy_lock", "held", "owner"]
