"""The sockets of the planes, after ``http_server.cpp``."""

from __future__ import annotations

import errno
import os
import socket
import ssl
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tests.standins.openai.server.errors import StartError
from tests.standins.openai.server.server import Server as Shared

from . import certificates, journal
from .layout import BUSINESS, MANAGEMENT, METRICS, Listener, layout

if TYPE_CHECKING:
    from .handler import Handler
    from .service import Service

_CERTIFICATES = {BUSINESS: "", MANAGEMENT: "management", METRICS: "metrics"}


class Plane(Shared):
    """One of the sockets."""

    service: Service
    planes: tuple[str, ...]

    def __init__(
        self, listener: Listener, handler: type[Handler], secure: ssl.SSLContext | None
    ) -> None:
        super().__init__(listener.ip, listener.port, handler)
        self.planes = listener.planes
        self.secure = secure
        self.key = ""

    def say(self, message: str) -> None:
        journal.log(message, level="INFO")

    def get_request(self) -> tuple[socket.socket, Any]:
        """A connection; its handshake is the handler's thread's to do."""
        opened, address = super().get_request()
        if self.secure:
            opened = self.secure.wrap_socket(
                opened, server_side=True, do_handshake_on_connect=False
            )
        return opened, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Who hangs up, or has no certificate, is not worth a traceback."""


def open_all(section: Mapping[str, Any], service: Service, handler: type[Handler]) -> list[Plane]:
    """
    Bind and open every socket.

    Each port is bound once on all addresses to see whether it is taken, without asking for reuse:
    one that answered within the last minute counts as taken.
    """
    ports = {section["port"], section.get("managementPort", section["port"])}
    for port in (*sorted(ports), section["metricsPort"]):
        _refuse_taken(port)
    listeners = layout(section)
    if listeners is None:
        journal.log("Management or Business or Metrics port is invalid.")
        raise StartError("Failed to start http wrapper")
    made = []
    for listener in listeners:
        secure = None
        if section["httpsEnabled"]:
            secure = _secure(section, listener.planes[0])
        try:
            plane = Plane(listener, handler, secure)
        except StartError:
            what = listener.planes[0]
            journal.log(
                f"Failed to listen {listener.ip}:{listener.port}, please check if {what} ip and "
                f"{'port' if what == BUSINESS else f'{what} port'} are legal."
            )
            raise StartError("Failed to start http wrapper") from None
        plane.service, plane.engine = service, service.engine
        made.append(plane)
    for plane in made:
        plane.open()
    return made


def _secure(section: Mapping[str, Any], plane: str) -> ssl.SSLContext:
    try:
        return certificates.context(section, _CERTIFICATES[plane])
    except (OSError, KeyError, ssl.SSLError) as error:
        journal.log(f"{plane.capitalize()} Http ssl Initialize failed")
        raise StartError(f"{type(error).__name__}: {error}") from None


def _refuse_taken(port: int) -> None:
    with socket.socket() as asked:
        try:
            asked.bind(("", port))
        except OSError as error:
            reason = os.strerror(error.errno or errno.EADDRINUSE)
            journal.failure(f"Socket bind failed, bind_result is -1. {reason}")
            told = "Management or Business or Metrics Http server listen port is occupied"
            journal.failure(told)
            raise StartError(told) from None
