"""Which planes are on which port, after ``http_server.cpp``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

BUSINESS, MANAGEMENT, METRICS = "business", "management", "metrics"


class Listener(NamedTuple):
    """A socket, and the planes that are on it; the first of them brings the certificates."""

    ip: str
    port: int
    planes: tuple[str, ...]


def addresses(section: Mapping[str, Any]) -> tuple[str, str]:
    """The addresses of business, and of the two others."""
    ip = os.environ.get("MIES_CONTAINER_IP") or section["ipAddress"]
    management = os.environ.get("MIES_CONTAINER_MANAGEMENT_IP")
    return ip, management or section.get("managementIpAddress", section["ipAddress"])


def layout(section: Mapping[str, Any]) -> list[Listener] | None:
    """The sockets that these ports make; ``None`` when they make none."""
    ip, other = addresses(section)
    port, metrics = section["port"], section["metricsPort"]
    management = section.get("managementPort", port)
    if ip == other and port == management == metrics:
        return [Listener(ip, port, (BUSINESS, MANAGEMENT, METRICS))]
    two = [Listener(ip, port, (BUSINESS, MANAGEMENT)), Listener(other, metrics, (METRICS,))]
    if ip == other and port == management:
        return two
    if port != management == metrics:
        return [
            Listener(ip, port, (BUSINESS,)),
            Listener(other, management, (MANAGEMENT, METRICS)),
        ]
    if len({port, management, metrics}) == 3 or (ip != other and management != metrics):
        return [
            Listener(ip, port, (BUSINESS,)),
            Listener(other, management, (MANAGEMENT,)),
            Listener(other, metrics, (METRICS,)),
        ]
    return two if ip != other and management == metrics else None


def secured(section: Mapping[str, Any]) -> tuple[str, ...]:
    """The planes that bring certificates of their own, by the names of their settings."""
    ip, other = addresses(section)
    one = section.get("managementPort", section["port"]) == section["port"]
    if ip == other and one and section["port"] == section["metricsPort"]:
        return ("",)
    return ("", "management", "metrics") if "metricsTlsCert" in section else ("", "management")
