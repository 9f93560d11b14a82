"""What an instance has besides its release: a user, and secrets that nobody else reads."""

from roles.instance.secrets import (
    SecretError,
    generation,
    masked,
    named,
    place,
    private_key,
    resolve,
)

__all__ = ["SecretError", "generation", "masked", "named", "place", "private_key", "resolve"]
