"""Switch each instance to its staged release, wave by wave; ``--data until=canary`` pauses."""

from pyinfra import host, local

from roles import fleet

local.include("./preflight.py")
fleet.activate(spec=host.data.spec)
