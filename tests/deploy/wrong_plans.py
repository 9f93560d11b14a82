"""Hosts that are not there, with plans that cannot work and, in the group ``right``, that can."""

import json
from typing import Any

from roles.spec import HostSpec
from tests.deploy import right_plans, wrong_on_ascend, wrong_on_cuda
from tests.roles.preflight.plans import Found

_WRONG = wrong_on_cuda.WRONG | wrong_on_ascend.WRONG


def _host(name: str, spec: HostSpec, found: Found) -> tuple[str, dict[str, Any]]:
    known = {"fake_responses": {"no probe": json.dumps(found)}, "fake_delay": 0}
    return f"@fake/{name}", {"spec": spec, "fake_delay_jitter": 0, **known}


wrong = [_host(name, plan.spec, plan.found) for name, plan in _WRONG.items()]
right = [_host(name, spec, found) for name, (spec, found) in right_plans.RIGHT.items()]
