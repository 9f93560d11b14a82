"""Bring weights alone: what of ``deploy/stage.py`` an engine has that is not started yet."""

from pyinfra import host

from roles import weights

weights.bring(spec=host.data.spec)
