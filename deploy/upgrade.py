"""Stage everywhere, then switch wave by wave; ``--data until=canary`` pauses after the canary."""

from pyinfra import local

local.include("./stage.py")
local.include("./activate.py")
