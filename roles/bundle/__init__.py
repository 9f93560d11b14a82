"""Bundles: everything that hosts without internet need, in one folder that can be carried."""

from roles.bundle.deploy import make, verify

__all__ = ["make", "verify"]
