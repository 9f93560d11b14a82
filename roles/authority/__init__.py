"""Certificates that live for one run: who of its hosts belongs to it."""

from roles.authority.credentials import credentials

__all__ = ["credentials"]
