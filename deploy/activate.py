"""Switch each instance to its staged release; switch back if it answers wrong."""

from pyinfra import host, local

from roles import release

local.include("./preflight.py")
release.activate(spec=host.data.spec)
