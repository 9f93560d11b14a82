"""Make every host ready for stacks and instances."""

from pyinfra import host, local

from roles import base

local.include("./preflight.py")
base.prepare(spec=host.data.spec)
