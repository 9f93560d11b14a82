"""What an instance has besides its release: a user, and secrets that nobody else reads."""

from roles.instance.secrets import SecretError, generation, place, resolve

__all__ = ["SecretError", "generation", "place", "resolve"]
