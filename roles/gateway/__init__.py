"""What clients talk to: HAProxy before the instances that serve the same model."""

from roles.gateway.deploy import serve
from roles.gateway.members import keys
from roles.gateway.rendered import UNIT

__all__ = ["UNIT", "keys", "serve"]
