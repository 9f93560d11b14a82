"""Bring every host to its spec."""

from pyinfra import local

local.include("./prepare.py")
local.include("./stage.py")
local.include("./activate.py")
local.include("./gateway.py")
