"""Waiting until what serves an instance has nothing in flight."""

from __future__ import annotations

import time
from typing import Any

import metrics

_LOOK_EVERY_S = 0.5


def drain(plan: Any, say: Any) -> None:
    """
    Wait until the serving release has nothing in flight, as long as the plan allows. A server that
    does not say what it has is given all of that time.
    """
    deadline = time.monotonic() + plan["drain_within_s"]
    idle_since = None
    while time.monotonic() < deadline:
        found, now = metrics.in_flight(plan["instance"]), time.monotonic()
        left = "{:.0f} s left".format(max(0.0, deadline - now))
        if found.requests is None:
            idle_since = None
            say("draining: what is in flight is not known ({}), {}".format(found.why, left))
        elif found.requests:
            idle_since = None
            say("draining: {:.0f} in flight".format(found.requests))
        else:
            idle_since = now if idle_since is None else idle_since
            if now - idle_since >= found.old_s:
                return
            say("draining: nothing in flight {:.0f} s ago, looking on".format(found.old_s))
        time.sleep(_LOOK_EVERY_S)
