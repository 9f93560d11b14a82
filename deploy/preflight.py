"""Would it work? Every reason against it, and no change."""

from roles import preflight

preflight.refuse_wrong_plans()
