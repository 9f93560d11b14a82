"""Bring stacks, weights and releases beside what serves; safe at any hour."""

from pyinfra import host, local

from roles import engine, release, weights

local.include("./preflight.py")
engine.install(spec=host.data.spec)
weights.bring(spec=host.data.spec)
release.stage(spec=host.data.spec)
