"""What clients talk to: HAProxy before the instances that serve the same model."""

from roles.gateway.deploy import serve, tell_unasked
from roles.gateway.members import before, keys
from roles.gateway.rendered import UNIT

__all__ = ["UNIT", "before", "keys", "serve", "tell_unasked"]
