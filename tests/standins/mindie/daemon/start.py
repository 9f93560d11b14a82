"""
``mindieservice_daemon``: check everything, load, serve, and end as MindIE ends: ``llm_daemon.cpp``.

A server that cannot start kills its process group, itself with it; one that is told to end gives
requests some seconds and aborts. A leader of a session cannot be made the leader of a group: the
first process of a container is one, and so is whatever systemd starts.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from pathlib import Path

from tests.standins.openai.server.errors import StartError

from . import (
    business,
    config_file,
    installation,
    journal,
    layout,
    management,
    memory,
    mischief,
    planes,
    settings,
)
from .handler import Handler
from .ranks import Ranks
from .service import Service

_OPTIONS = ("--config-file", "--expert-parallel")
_BLINK_S = 0.02


def main() -> int:
    """Serve until told to stop; what is returned are the ends that are no signals."""
    told = installation.missing_library()
    if told:
        journal.warn(told)
        return 127
    Path("/proc/self/comm").write_text("mindieservice_d", encoding="utf-8")
    journal.warn(f"g_mainPid = {os.getpid()}")
    try:
        os.setpgid(0, 0)
    except OSError as error:
        journal.failure(f"Failed to set process group. errno is {error.errno}")
        return 255
    words = _words(sys.argv[1:])
    if words is None:
        return 255
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        _serve(words.get("--config-file"), stopping)
    except StartError as failure:
        journal.log(str(failure))
        told = "Failed to init endpoint! Please check the service log or console output."
        journal.failure(told)
        sys.stdout.flush()
        os.killpg(os.getpgrp(), signal.SIGKILL)
    return 0


def _words(given: list[str]) -> dict[str, str] | None:
    found = {}
    for place in range(0, len(given), 2):
        if given[place] not in _OPTIONS:
            journal.failure(f"Unrecognized command-line argument, expect [{', '.join(_OPTIONS)}]")
            return None
        if place + 1 == len(given):
            journal.failure(f"Missing value for key: {given[place]}")
            return None
        found[given[place]] = given[place + 1]
    return found


def _serve(given: str | None, stopping: threading.Event) -> None:
    document = settings.load(config_file.path(given))
    asked = mischief.asked(document)
    service = Service(document, asked.mischief)
    back = document["BackendConfig"]
    ranks = Ranks(back["npuDeviceIds"][0], service.model, asked.mischief)
    opened: list[planes.Plane] = []
    if ranks.wait_ready(stopping):
        memory.create(back["tokenizerProcessNumber"])
        Handler.tables = {
            layout.BUSINESS: business.PAGES,
            layout.MANAGEMENT: management.PAGES,
            layout.METRICS: management.NUMBERS,
        }
        opened = planes.open_all(service.section, service, Handler)
        journal.say("Daemon start success!")
        service.healthy.set()
    _watch(ranks, stopping, asked.mischief.crash_after_s)
    service.healthy.clear()
    if stopping.is_set():
        _drain(service, ranks, opened, asked.grace_s)
    journal.warn("Daemon is killing, please wait about 15 seconds...")
    ranks.stop()
    sys.stdout.flush()
    os.abort()


def _watch(ranks: Ranks, stopping: threading.Event, crash_after_s: float | None) -> None:
    """Wait until told to stop, or until a rank has ended."""
    begun = time.monotonic()
    while not stopping.wait(_BLINK_S) and not ranks.ended():
        if crash_after_s is not None and time.monotonic() - begun >= crash_after_s:
            ranks.crash()
            crash_after_s = None


def _drain(service: Service, ranks: Ranks, opened: list[planes.Plane], grace_s: float) -> None:
    """
    Let go of the ports, and wait for requests that are being answered, and for no other.

    A rank that ends meanwhile ends the waiting: whoever tells the whole group to end, as systemd
    does unless it is told otherwise, has no request answered.
    """
    for plane in opened:
        plane.shutdown()
        plane.server_close()
    until = time.monotonic() + grace_s
    while time.monotonic() < until and not ranks.ended():
        if opened and service.engine.desk.wait_empty(_BLINK_S):
            break
        time.sleep(_BLINK_S)
