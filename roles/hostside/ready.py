"""
Wait until a server completes a request; what ``systemctl start`` waits for. One that has a plane
for its management is asked there first whether it is ready.

``ready.py INSTANCE`` is started by the instance's unit, which tells the server's process in
``MAINPID``. It runs as root, outside the sandbox: before systemd 254 nothing but the server itself
is shown the unit's credentials.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any

import durable
import places
import ranks
import served
import transaction

_EVERY_S = 0.5
_ANSWER_S = 60.0
_HEALTH_S = 5.0


def wait(
    asked: served.Server,
    within_s: float,
    pid: int,
    health: str | None = None,
    management: served.Server | None = None,
) -> str:
    """
    Return an empty string when the server is ready, else why it is not.

    :param health: page that answers 503 when the engine failed; it is asked at the end alone, since
        a kernel that is compiled for minutes looks like a failure from there
    :param management: where that page is, of a server that answers 200 there once it takes requests
    """
    deadline = time.monotonic() + within_s
    last = "nothing listened on port {}".format((management or asked).port)
    while time.monotonic() < deadline:
        if not os.path.exists("/proc/{}".format(pid)):
            return "the server's process {} is gone".format(pid)
        try:
            told = _told(management, health) if management else ""
            if told:
                last = told
            else:
                left = max(1.0, deadline - time.monotonic())
                status, text = asked.complete("Are you there?", 1, min(_ANSWER_S, left))
                if status == 200:
                    return ""
                last = "the last answer was {}: {}".format(status, text)
                if status in (401, 403):
                    return "the server does not take its own key, " + last
        except ConnectionRefusedError:
            pass
        except served.NO_ANSWER as error:
            last = "the last request failed: {}".format(error or type(error).__name__)
        time.sleep(_EVERY_S)
    said = "no completion within {:.0f} s; {}".format(within_s, last)
    return said if management else said + _unhealthy(asked, health)


def gathered(instance: str, about: Any, pid: int) -> str | None:
    """
    Wait until all hosts of an instance begin together, which is not the server's time to count; of
    one that follows, until it is connected to its head, and return why it is not.
    """
    if not about.get("across"):
        return None
    try:
        group = ranks.of(instance, about)
    except OSError as error:
        return str(error)
    while os.path.exists("/proc/{}".format(pid)):
        begun = durable.read_json(places.bound(instance)) is not None
        if begun and group is not None and (not group.rank or ranks.connected(group)):
            return "" if group.rank else None
        time.sleep(_EVERY_S)
    return "the server's process {} is gone".format(pid)


def _unhealthy(asked: served.Server, page: str | None) -> str:
    """Return what a server says of its engine, empty when it says that it is well, or nothing."""
    try:
        told = _told(asked, page)
    except served.NO_ANSWER:
        return ""
    return told and "; " + told


def _told(asked: served.Server, page: str | None) -> str:
    """Return what a page says, empty when all is well, or there is no such page."""
    if page is None:
        return ""
    response = asked.request("GET", page, None, _HEALTH_S)
    said = response.read().decode("utf-8", "replace").strip()
    if response.status == 200:
        return ""
    return "{} says {}: {}".format(page, response.status, said[:500] or "nothing")


def main() -> None:
    """See the top of the file."""
    instance, pid = sys.argv[1], int(os.environ["MAINPID"])
    release = transaction.current(instance) or ""
    about = transaction.about(instance, release)
    why = gathered(instance, about, pid)
    if why is not None:
        if why:
            print("not ready: " + why, file=sys.stderr)
            sys.exit(1)
        print("ready: connected to its head")
        return
    began = time.monotonic()
    planes = about.get("planes")
    try:
        asked = served.of(instance, release)
        management = served.of(instance, release, "management") if planes else None
    except OSError as error:
        print("not ready: {}".format(error), file=sys.stderr)
        sys.exit(1)
    why = wait(asked, about["ready_within_s"], pid, about.get("health"), management)
    if why:
        print("not ready: " + why, file=sys.stderr)
        sys.exit(1)
    print("ready after {:.1f} s".format(time.monotonic() - began))


if __name__ == "__main__":
    main()
