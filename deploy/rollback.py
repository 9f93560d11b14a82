"""
Switch every instance back to the release that served before.

``--data leave=RELEASE`` takes back only what serves that one; ``--data to=RELEASE`` goes to that.
"""

from pyinfra import host

from roles import release

release.refuse_wrong_ways_back()
release.roll_back(spec=host.data.spec, wish=release.wish())
