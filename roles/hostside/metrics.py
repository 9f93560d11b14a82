"""
What a server says of its own work.

``metrics.py INSTANCE`` prints it of the current release: ``{"running", "waiting", "kv_usage",
"preemptions", "finished": {reason: count}, "first_token_s", "between_tokens_s"}``. The last two are
means since the start; what an engine does not count, or has not yet, is ``null``. It ends with 1
when the server does not say.
"""

from __future__ import annotations

import json
import math
import sys
from typing import Any, Dict, List, NamedTuple

import connections
import exposition
import rotation
import served
import transaction

_WITHIN_S = 5.0


class InFlight(NamedTuple):
    """
    How many requests a server works on or keeps waiting.

    :param requests: ``None`` when there is a server and it does not say
    :param why: it does not say
    :param old_s: how old their number may be
    """

    requests: float | None
    why: str = ""
    old_s: float = 0.0


def in_flight(instance: str) -> InFlight:
    """Return what the current release of an instance has in flight; a dead server has nothing."""
    try:
        release = transaction.current(instance) or ""
        described = transaction.about(instance, release)
        if described.get("engine") == "ollama":
            # It has no metrics, and a connection for each request that is waited for.
            return InFlight(float(connections.waiting(described["port"])))
        samples = _samples(instance, release)
        names = _names(described)
        requests = sum(_total(samples, names[name]) for name in ("running", "waiting"))
        if described.get("engine") == "mindie" or rotation.noticed_s():
            # What it still reads, MindIE does not count, nor does any engine what a gateway is
            # still sending; each has a connection.
            requests = max(requests, float(connections.waiting(described["port"])))
        return InFlight(requests, old_s=names["refreshed_every_s"])
    except ConnectionRefusedError:
        return InFlight(0.0)
    except served.NO_ANSWER as error:
        return InFlight(None, why=str(error) or type(error).__name__)


def read(instance: str) -> Dict[str, Any]:
    """
    Return what the top of the file says.

    :raises served.NO_ANSWER: the server does not say
    """
    release = transaction.current(instance) or ""
    names = _names(transaction.about(instance, release))
    samples = _samples(instance, release)
    preemptions = names["preemptions"]
    return {
        "running": _total(samples, names["running"]),
        "waiting": _total(samples, names["waiting"]),
        # Of several engines behind one address, the one that is nearest to its end.
        "kv_usage": max(one.value for one in exposition.of(samples, names["kv_usage"])),
        "preemptions": _total(samples, preemptions) if preemptions else None,
        "finished": _finished(samples, names["finished"]) if names["finished"] else None,
        "first_token_s": _mean(samples, names["first_token_s"]),
        "between_tokens_s": _mean(samples, names["between_tokens_s"]),
    }


def _names(described: Any) -> Dict[str, Any]:
    found = described.get("metrics")
    if not found:
        raise LookupError("its engine has no metrics that are known")
    return dict(found)


def _samples(instance: str, release: str) -> List[exposition.Sample]:
    asked = served.of(instance, release, "metrics")
    response = asked.request("GET", "/metrics", None, _WITHIN_S)
    text = response.read().decode("utf-8", "replace")
    if response.status != 200:
        raise ValueError("it answered {}".format(response.status))
    return exposition.parse(text)


def _total(samples: List[exposition.Sample], name: str) -> float:
    total = sum(one.value for one in exposition.of(samples, name))
    if not 0 <= total < math.inf:
        raise ValueError("{} is {}".format(name, total))
    return total


def _finished(samples: List[exposition.Sample], name: str) -> Dict[str, float]:
    found: Dict[str, float] = {}
    for one in exposition.of(samples, name):
        reason = one.labels["finished_reason"]
        found[reason] = found.get(reason, 0.0) + one.value
    return found


def _mean(samples: List[exposition.Sample], name: str) -> float | None:
    count = _total(samples, name + "_count")
    return round(_total(samples, name + "_sum") / count, 6) if count else None


def main() -> None:
    """See the top of the file."""
    try:
        print(json.dumps(read(sys.argv[1])))
    except served.NO_ANSWER as error:
        print("{} does not say: {}".format(sys.argv[1], error or type(error).__name__))
        sys.exit(1)


if __name__ == "__main__":
    main()
