"""Switch each instance to its staged release; switch back if it answers wrong."""

from pyinfra import host

from roles import release

release.activate(spec=host.data.spec)
