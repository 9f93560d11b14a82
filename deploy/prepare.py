"""Make every host ready for stacks and instances."""

from pyinfra import host

from roles import base

base.prepare(spec=host.data.spec)
