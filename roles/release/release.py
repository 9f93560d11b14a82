"""A release: everything that an instance runs, rendered and named by its digest."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from roles import engine, paths, weights
from roles.hostside import places
from roles.spec import Accelerator, Agent, Check, Engine, HostSpec, Instance, Kind
from roles.spec.base import digest
from roles.spec.once import once


class Release:
    """
    One instance of a host as it would be laid out there. The same instance gives the same
    release, on any machine.
    """

    def __init__(self, *, spec: HostSpec, instance: Instance) -> None:
        self.spec, self.instance = spec, instance

    @property
    def links(self) -> dict[str, str]:
        """What the release's folder points at."""
        return _links(self.instance, self.spec.weights_root)

    @property
    def files(self) -> dict[str, engine.File]:
        """What is rendered into the release's folder."""
        return _files(self.instance, self._agent)

    @property
    def _agent(self) -> Agent | None:
        """What hosts that serve the instance together know of each other by."""
        return self.spec.agent if self.instance.across else None

    @property
    def name(self) -> str:
        """``<stack>-<digest>``: changes when, and only when, something changes that runs."""
        return _name(self.instance, self.spec.weights_root, self._agent)

    @property
    def checks(self) -> list[dict[str, Any]]:
        """The questions, with what they are about, as the host asks them."""
        return _checks(self.instance)

    def staging(self, *, secrets: dict[str, Any]) -> dict[str, Any]:
        """Return what ``stage.py`` is given."""
        wanted: dict[str, Any] = {
            "instance": self.instance.name,
            "release": self.name,
            "links": self.links,
            "files": {
                name: {"text": file.text, "mode": file.mode} for name, file in self.files.items()
            },
            "checks": self.checks,
        }
        return wanted | {"secrets": secrets, "digest": self.staged(secrets["generation"])}

    def staged(self, generation: str) -> str:
        """Return the digest of the receipt that staging leaves."""
        return digest([self.name, self.checks, generation])

    @property
    def folder(self) -> str:
        """Its folder on the host."""
        return f"{places.releases(self.instance.name)}/{self.name}"


# Hosts that share an instance share what it is made into.


@once
def _links(instance: Instance, weights_root: str) -> dict[str, str]:
    stack = instance.stack
    found = {
        "stack": paths.stack(stack),
        "weights": weights.Served(instance, weights_root).folder,
    }
    if stack.accelerator is Accelerator.ASCEND:
        found["ascend"] = paths.environment(stack)
    return found


@once
def _files(instance: Instance, agent: Agent | None) -> dict[str, engine.File]:
    stack = instance.stack
    about = {
        "engine": stack.engine,
        "unit": paths.unit(instance),
        "address": str(instance.address),
        "port": instance.port,
        "devices": list(instance.devices),
        "model": instance.served_as,
        "ready_within_s": instance.ready_within_s,
        "metrics": engine.metric_names(stack.engine, stack.version),
        "health": engine.health_page(stack.engine, stack.version),
        "stack": stack.name,
        "weights": instance.weights.name,
        **engine.planes(instance),
        **_across(instance, agent),
    }
    text = json.dumps(about, indent=1, sort_keys=True) + "\n"
    return engine.rendered(instance) | {"release.json": engine.File(text, "0644")}


def _across(instance: Instance, agent: Agent | None) -> dict[str, Any]:
    """How its hosts know of each other, where it is served by several."""
    if instance.across is None or agent is None:
        return {}
    addresses = [str(one.address) for one in instance.across.ranks]
    return {"across": {"addresses": addresses, "port": instance.across.port, "agent": agent.port}}


@once
def _name(instance: Instance, weights_root: str, agent: Agent | None) -> str:
    files = {name: [file.text, file.mode] for name, file in _files(instance, agent).items()}
    content = {
        "instance": instance.name,
        "stack": instance.stack.digest,
        "weights": instance.weights.digest,
        "links": _links(instance, weights_root),
        "files": files,
    }
    return f"{instance.stack.name}-{digest(content)[:12]}"


@once
def _checks(instance: Instance) -> list[dict[str, Any]]:
    asked = [_question(check) for check in instance.questions]
    return [*asked, *_generated(instance)]


def plan(
    instance: Instance, *, release: str, serving: str | None, generation: str | None, who: str
) -> dict[str, Any]:
    """Return the plan of ``activate.py``; without a generation the secrets stay as they are."""
    return {
        "instance": instance.name,
        "release": release,
        "from": serving,
        "secrets": generation,
        "drain_within_s": instance.drain_within_s,
        "who": who,
    }


def _generated(instance: Instance) -> Iterator[dict[str, Any]]:
    """Yield one question of each kind for ``/generate``, MindIE's other way in to such a model."""
    if instance.stack.engine is not Engine.MINDIE or not instance.weights.takes:
        return
    for kind in (Kind.TEXT, Kind.IMAGE, Kind.VIDEO):
        for check in [check for check in instance.questions if check.kind is kind][:1]:
            yield _question(check) | {"name": f"{check.name}-generate", "by": "generate"}


@once
def _question(check: Check) -> dict[str, Any]:
    asked = check.model_dump(mode="json", exclude={"file"})
    return asked | {"media": _data_url(check) if check.file else ""}


def _data_url(check: Check) -> str:
    content = check.file.read_bytes() if check.file else b""
    return f"data:{check.media_type};base64,{base64.b64encode(content).decode()}"
