"""Would it work? Reasons against a plan, before anything is touched."""

from roles.preflight.deploy import judge_again, refuse_wrong_plans, verdicts
from roles.preflight.health import Judged, judged, placed
from roles.preflight.reasons import Reason, against

__all__ = [
    "Judged",
    "Reason",
    "against",
    "judge_again",
    "judged",
    "placed",
    "refuse_wrong_plans",
    "verdicts",
]
