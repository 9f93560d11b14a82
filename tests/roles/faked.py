"""A host that is not there: what its probe says is given, what it would be told is read."""

import json
import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

from pyinfra.api import Config, FileUploadCommand, FunctionCommand, Host, Inventory, State
from pyinfra.api.arguments import AllArguments
from pyinfra.api.command import PyinfraCommand, StringCommand
from pyinfra.context import ctx_host, ctx_state

from roles import job, lock
from roles.spec import HostSpec
from tests.roles import devices

Command = tuple[str, object]
"""A shell command and its input; a function and its arguments; an upload and its target."""


def bare() -> dict[str, Any]:
    """Return the probe of a host that is right for everything and has nothing of ours."""
    return {
        "schema": 2,
        "faults": {},
        "system": {
            "machine_id": "5f2b6f0a3c1d4e5f8a9b0c1d2e3f4a5b",
            "boot_id": "0b5c8c1e-8f0e-4a55-9e62-4e3c4c5d6e7f",
            "hostname": "gpu-1",
            "os": {"id": "debian", "version": "12"},
            "kernel": "6.1.0-25-amd64",
            "arch": "x86_64",
            "python": "3.11.2",
            "pythons": ["python3.11", "python3.12"],
            "kernel_newest": "6.1.0-25-amd64",
            "headers": True,
            "nouveau": False,
            "lockdown": "none",
            "secure_boot": False,
            "virtualisation": "none",
            "glibc": "2.36",
            "systemd": 252,
            "cpu": "INTEL(R) XEON(R) PLATINUM 8558",
            "cpus": 96,
            "sockets": 2,
            "numa": 2,
            "memory_mib": 515000,
            "memory_free_mib": 500000,
            "shm_mib": 257500,
            "shm_free_mib": 257500,
            "clock": {"synchronised": True, "offset_s": 0.000012},
            "limits": {"nofile": 524288, "memlock": -1},
            "addresses": ["192.0.2.1"],
            "uid": 0,
        },
        "disks": {
            path: {"device": device, "total_mib": 900000, "free_mib": 800000}
            for device, path in enumerate(
                ("/opt/metalserve", "/var/lib/metalserve", "/usr/local", "/srv/metalserve/weights"),
                start=1,
            )
        },
        "ports": [{"port": 22, "pid": 700, "process": "sshd", "unit": "ssh.service"}],
        "accelerators": {
            "pci": [devices.card(), devices.card(slot="0000:07:00.0")],
            "cuda": devices.cuda(devices.gpu(0), devices.gpu(1)),
            "ascend": None,
        },
        "platform": {"began": {}, "reboot": None, "cuda": None, "ascend": None},
        "receipts": {},
        "stacks": [],
        "instances": {},
        "lock": None,
        "jobs": [],
    }


def entry(release: str, **fields: Any) -> dict[str, Any]:
    """Return what the probe says of a release that served and could serve again."""
    right = {"release": release, "first": None, "since": None, "ports": [8000], "fault": None}
    return right | fields


def seen(**fields: Any) -> dict[str, Any]:
    """Return what the probe says of an instance that serves."""
    unit = "metalserve-vllm@chat.service"
    right: dict[str, Any] = {
        "current": "one",
        "previous": None,
        "secrets": "g1",
        "secrets_there": True,
        "releases": ["one"],
        "bad": {},
        "unit": unit,
        "active": True,
        "state": "active",
        "about": {"unit": unit},
        "out": [],
        "transaction": {
            "release": "one", "outcome": "activated", "began": 1.0, "ended": 2.0, "why": None,
        },
    }  # fmt: skip
    if "current" in fields and fields["current"] is None:
        right |= {"unit": None, "active": False, "state": None, "about": None}
    right |= fields
    served = [entry(name) for name in (right["current"], right["previous"]) if name]
    return {"served": served} | right


@dataclass
class Told:
    """What an operation would do to a host."""

    commands: list[Command] = field(default_factory=list)
    noops: list[str] = field(default_factory=list)


@contextmanager
def on_host(spec: HostSpec, found: object, **data: object) -> Iterator[Host]:
    """Be on a host whose probe answers ``found``."""
    fake = {"fake_responses": {"no probe": json.dumps(found)}, "fake_delay": 0}
    known = {"spec": spec, **fake, "fake_delay_jitter": 0, **data}
    state = State(Inventory(([("@fake/gpu-1", known)], {})), Config())
    (host,) = state.inventory
    # Operations are told what pyinfra's own arguments in the data say.
    told_of = {key: value for key, value in data.items() if key.startswith("_")}
    host.current_op_global_arguments = cast("AllArguments", told_of)
    with ctx_state.use(state), ctx_host.use(host):
        yield host


def told(
    operation: Any, spec: HostSpec, found: object, *, host: Host | None = None, **arguments: Any
) -> Told:
    """Return what an operation yields on a host whose probe answers ``found``."""
    said = Told()
    if host is None:
        with on_host(spec, found) as host:
            return told(operation, spec, found, host=host, **arguments)
    host.noop = said.noops.append  # type: ignore[method-assign, assignment]
    said.commands = [_plain(command) for command in operation._inner(**arguments)]
    return said


def lock_taken(over: str | None = None) -> Command:
    """Return the command that takes the deploy lock."""
    given = json.dumps({**lock.owner(), "break": over})
    return f"/usr/bin/python3 - take {shlex.quote(given)}", job.program("lock")


def _plain(command: PyinfraCommand) -> Command:
    if isinstance(command, StringCommand):
        return command.get_raw_value(), command.connector_arguments.get("_stdin")
    if isinstance(command, FileUploadCommand):
        return f"upload {command.src}", command.dest
    assert isinstance(command, FunctionCommand)
    function: Callable[..., object] = command.function
    return function.__name__.lstrip("_"), command.kwargs
