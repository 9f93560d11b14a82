"""Bring every host to its spec."""

from pyinfra import host, local

# All that comes is imported, and worked out as far as it can be, while hosts answer.
from roles import ahead, base, engine, fleet, gateway, platform, preflight, release, weights  # noqa: F401

ahead.work_out(spec=host.data.get("spec"))
local.include("./prepare.py")
local.include("./stage.py")
local.include("./activate.py")
local.include("./gateway.py")
