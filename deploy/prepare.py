"""Make every host ready for stacks and instances."""

from pyinfra import host, local

from roles import base, platform, preflight

local.include("./preflight.py")
base.prepare(spec=host.data.spec)
platform.ready(spec=host.data.spec)
preflight.judge_again(spec=host.data.spec)
