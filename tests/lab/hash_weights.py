"""Hash weights alone: ``deploy/verify_weights.py`` for an engine that is not started yet."""

from pyinfra import host

from roles.care import operations

operations.right_weights(name="Hash all weights", wanted=host.data.spec)
