"""
Switch every instance back to the release that served before, wave by wave.

``--data leave=RELEASE`` takes back only what serves that one; ``--data to=RELEASE`` goes to that.
"""

from roles import fleet, release

release.refuse_wrong_ways_back()
fleet.roll_back()
