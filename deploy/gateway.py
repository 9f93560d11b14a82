"""Have each gateway serve with what the inventory has behind it, without cutting a connection."""

from pyinfra import host, local

from roles import gateway

local.include("./preflight.py")
gateway.serve(spec=host.data.spec)
gateway.tell_unasked(spec=host.data.spec)
