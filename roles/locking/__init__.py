"""Locks: made from what stacks ask for, and held against what they were."""

from roles.locking.deploy import lock

__all__ = ["lock"]
