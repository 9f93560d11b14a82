"""A gateway's configuration, made of the inventory, and its keys in files of their own."""

import hashlib
import json
from functools import cached_property
from typing import Any

from roles import engine, instance, paths, templates
from roles.gateway.members import Known
from roles.hostside import places
from roles.spec import Behind, Gateway, HostSpec, behind
from roles.spec.base import digest

UNIT = places.GATEWAY_UNIT
UNIT_FILE = f"{paths.UNITS}/{UNIT}"
HAPROXY = "/usr/sbin/haproxy"
_LOCAL = "127.0.0.1"
_REASONS = {
    400: ("the request is no HTTP that is understood", "invalid_request_error", "bad_request"),
    408: ("the request did not come to its end in time", "invalid_request_error", "timeout"),
    500: ("the gateway failed", "server_error", "gateway"),
    502: ("the server broke off before it answered", "server_error", "no_answer"),
    503: ("no server can take the request now, try again", "server_error", "no_server"),
    504: ("the server did not answer in time", "server_error", "no_answer"),
}


class Configuration:
    """What the gateway of one host serves with."""

    def __init__(self, *, name: str, known: Known) -> None:
        self.name, self.known = name, known
        self.spec: HostSpec = known.specs[name]

    @property
    def gateway(self) -> Gateway:
        """The gateway."""
        assert self.spec.gateway is not None  # noqa: S101  # whoever asks has looked
        return self.spec.gateway

    @cached_property
    def text(self) -> str:
        """``haproxy.cfg``; nothing in it is secret."""
        gateway = self.gateway
        listed = [{"id": model, "object": "model"} for model in gateway.models]
        return templates.render(
            "gateway/haproxy.cfg.j2",
            gateway=gateway,
            bind=_endpoint(str(gateway.address), gateway.port),
            own=_endpoint(str(gateway.own_address), gateway.own_port),
            backends=[self._backend(*found) for found in self._behind.items()],
            models=_json({"object": "list", "data": listed}),
            errors={status: _error(*reason) for status, reason in _REASONS.items()},
            refused={status: _returned(status, *why) for status, why in self._refusals.items()},
        )

    @cached_property
    def unit(self) -> str:
        """The unit's text."""
        return templates.render(f"gateway/{UNIT}.j2", python=self.spec.python)

    def secrets(self) -> dict[str, str]:
        """
        Return what is secret, by file: digests of what clients show, and what servers are shown.

        :raises SecretError: one of them is not to be had
        """
        shown = {
            client.name: hashlib.sha256(instance.resolve(client.key).encode()).hexdigest().upper()
            for client in self.gateway.clients
        }
        firsts = [members[0].instance for members in self._behind.values()]
        given = {one.served_as: instance.resolve(one.api_key) for one in firsts if one.api_key}
        return {
            "clients.map": "".join(f"{found} {name}\n" for name, found in shown.items()),
            "servers.map": "".join(f"{_called(name)} {key}\n" for name, key in given.items()),
        }

    def digest(self, generation: str) -> str:
        """Return the digest of the receipt that the gateway leaves."""
        return digest([self.text, self.unit, generation])

    def serving(self, *, machine_id: str) -> dict[str, Any]:
        """Return what ``gateway.py`` is given, its name keyed by the host as secrets' are."""
        secrets = self.secrets()
        generation = instance.named(["gateway", secrets], machine_id=machine_id)
        name = f"{digest(self.text)[:12]}-{generation}"
        folder = f"{places.gateway()}/{name}"
        files = {"haproxy.cfg": self.text, **secrets}
        wants = places.wants(UNIT)
        there = [places.gateway(), f"{places.gateway()}/current", UNIT_FILE, wants, HAPROXY]
        return {
            "name": name,
            "files": files,
            "binds": [self.gateway.port, self.gateway.own_port],
            "digest": self.digest(generation),
            "managed": [*there, folder, *(f"{folder}/{file}" for file in files)],
        }

    @cached_property
    def _behind(self) -> dict[str, list[Behind]]:
        return behind(self.gateway, self.known.specs)

    def _backend(self, model: str, members: list[Behind]) -> dict[str, Any]:
        pages = {
            engine.health_page(one.instance.stack.engine, one.instance.stack.version)
            for one in members
        }
        return {
            "name": _called(model),
            "prefix": f"/{model}/",
            # Where one of them has no page that tells, connecting has to do for all.
            "health": pages.pop() if len(pages) == 1 else None,
            "key": members[0].instance.api_key is not None,
            "servers": [self._server(one) for one in members],
        }

    def _server(self, one: Behind) -> dict[str, Any]:
        address = one.instance.address
        if address.is_unspecified:
            there = _LOCAL if one.host == self.name else self.known.reached_at[one.host]
        else:
            there = str(address)
        return {
            "name": _called(f"{one.host.lstrip('@')}:{one.instance.name}"),
            "endpoint": _endpoint(there, one.instance.port),
            "instance": one.instance.name,
            "agent": one.spec.agent,
        }

    @property
    def _refusals(self) -> dict[int, tuple[str, str, str]]:
        ways = " or ".join(f"/{model}/v1/" for model in self.gateway.models)
        wrong = "invalid_request_error"
        limit = self.gateway.body_limit_mib
        return {
            401: ("Incorrect API key provided", wrong, "invalid_api_key"),
            404: (f"there is no such page here, models are at {ways}", wrong, "not_found"),
            411: ("the length of a request has to be told beforehand", wrong, "no_length"),
            413: (f"the request is larger than {limit} MiB", wrong, "too_large"),
        }


def _called(name: str) -> str:
    """Return a name as HAProxy may call things."""
    return name.replace("/", ":")


def _endpoint(address: str, port: int) -> str:
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def _returned(status: int, message: str, kind: str, code: str) -> str:
    return f"status {status} content-type application/json string '{_error(message, kind, code)}'"


def _error(message: str, kind: str, code: str) -> str:
    """Return an error as OpenAI's clients read them."""
    return _json({"error": {"message": message, "type": kind, "param": None, "code": code}})


def _json(page: object) -> str:
    return json.dumps(page)
