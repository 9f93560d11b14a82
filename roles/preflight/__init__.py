"""Would it work? Reasons against a plan, before anything is touched."""

from roles.preflight.deploy import judge_again, refuse_wrong_plans
from roles.preflight.health import placed
from roles.preflight.reasons import Reason, against

__all__ = ["Reason", "against", "judge_again", "placed", "refuse_wrong_plans"]
