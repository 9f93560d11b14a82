"""
Before a server that another host needs is stopped here, that host ends what it has in flight.

What a head works on fails when it loses a rank. So whoever stops one says so before, through this
host's agent; the head's own watch (``rank.py``) hears it, and ends once nothing is in flight.
"""

from __future__ import annotations

import time
from typing import Any

import draining
import durable
import places
import ranks
import rotation
import service

_LOOK_EVERY_S = 1.0
# Until the head has heard it, and until it has ended.
_HEARD_WITHIN_S = 45.0


def let_end(instance: str, unit: str, described: Any, why: str, within_s: float, say: Any) -> None:
    """
    Wait until nothing is in flight, on a head that needs what runs here, then here.

    :param described: what the release says of itself that runs here, ``None`` when it lost that
    """

    def tell(said: str) -> None:
        say("{}: {}".format(instance, said))

    wait(instance, described, why, within_s, tell)
    if service.active(unit):
        draining.drain({"instance": instance, "drain_within_s": within_s}, tell)


def wait(instance: str, described: Any, why: str, within_s: float, say: Any) -> None:
    """
    Wait until the head has ended what it began with this host; where none needs it, not at all.

    :param described: what the release says of itself that runs here
    :param within_s: how long the head may take to end what is in flight
    """
    try:
        group = ranks.of(instance, described)
    except OSError:
        # Without its address here, nobody computes with it.
        return
    bound = durable.read_json(places.bound(instance)) or {}
    if group is None or group.head not in bound:
        return
    start = service.shown(described["unit"]).get("InvocationID", "")
    told = {"why": why, "within_s": within_s, "invocation": start}
    durable.write_json(places.parting(instance), told)
    deadline = time.monotonic() + within_s + rotation.noticed_s() + _HEARD_WITHIN_S
    while True:
        said = group.ask(group.head)
        if said and ranks.ended(said, bound[group.head]):
            return
        left_s = deadline - time.monotonic()
        if left_s < 0:
            say("the head on {} has not ended; it is ended all the same".format(group.head))
            return
        say("waiting until the head on {} has ended, {:.0f} s left".format(group.head, left_s))
        time.sleep(_LOOK_EVERY_S)
