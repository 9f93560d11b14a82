"""Would it work? Reasons against a plan, before anything is touched."""

from roles.preflight.deploy import refuse_wrong_plans
from roles.preflight.reasons import Reason, against

__all__ = ["Reason", "against", "refuse_wrong_plans"]
