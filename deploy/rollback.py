"""Switch every instance back to the release before."""

from pyinfra import host

from roles import release

release.roll_back(spec=host.data.spec)
