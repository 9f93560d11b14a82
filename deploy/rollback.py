"""Switch every instance back to the release before, wave by wave."""

from roles import fleet

fleet.roll_back()
