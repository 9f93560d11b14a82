"""Install stacks alone: what of ``deploy/stage.py`` is packages."""

from pyinfra import host

from roles import engine

engine.install(spec=host.data.spec)
