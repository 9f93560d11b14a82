"""What a prepared host has from us: folders, units, users. Pure functions of the spec."""

import base64
import json
import zlib
from functools import cache
from typing import Any

from roles import engine, job, paths, probe, templates, weights
from roles.hostside import places
from roles.spec import Agent, HostSpec, Rsync
from roles.spec.base import digest
from roles.spec.once import once

PHASE = "prepare"
OPEN = (
    paths.ROOT,
    f"{paths.ROOT}/stacks",
    f"{paths.ROOT}/releases",
    f"{paths.ROOT}/instances",
    f"{paths.ROOT}/tools",
    f"{paths.ROOT}/cache",
    paths.STATE,
    f"{paths.STATE}/receipts",
    paths.CACHE,
    paths.LOGS,
)
CLOSED = (f"{paths.STATE}/secrets", f"{paths.STATE}/jobs")
AGENT_SOCKET, AGENT_UNIT = places.AGENT_SOCKET, places.AGENT_UNIT


@once
def units(spec: HostSpec) -> dict[str, str]:
    """Return the text of each unit file, by name."""
    found = {
        paths.RECOVER_UNIT: templates.render(
            "base/metalserve-recover.service.j2", python=spec.python
        )
    }
    stacks = {instance.stack.unit: instance.stack for instance in spec.instances}
    for name, stack in sorted(stacks.items()):
        found[paths.unit_template(name)] = engine.unit_file(stack, python=spec.python)
    if spec.agent:
        found[AGENT_SOCKET] = templates.render(
            f"base/{AGENT_SOCKET}.j2", endpoint=_endpoint(spec.agent)
        )
        found[AGENT_UNIT] = templates.render(
            f"base/{AGENT_UNIT}.j2", python=spec.python, user=places.AGENT_USER
        )
    return found


def agent_told(agent: Agent) -> str:
    """Return what an activation has to know of the agent."""
    return json.dumps(agent.model_dump(mode="json"), sort_keys=True) + "\n"


def _endpoint(agent: Agent) -> str:
    """Return address and port as systemd reads them."""
    there = agent.address
    return f"[{there}]:{agent.port}" if there.version == 6 else f"{there}:{agent.port}"


def packages(spec: HostSpec) -> list[str]:
    """Return what is needed of the distribution, by Debian's names."""
    needed = {name for instance in spec.instances for name in instance.stack.os_packages}
    sources = [source for instance in spec.instances for source in instance.weights.sources]
    if any(isinstance(source, Rsync) for source in sources):
        needed |= {"openssh-client", "rsync"}
    if spec.agent:
        # Whoever is not root asks systemd by it.
        needed.add("dbus")
    return sorted(needed | {"ca-certificates", "iproute2", "python3-venv"})


def users(spec: HostSpec) -> list[str]:
    """Return the system users, one an instance and one for who answers gateways."""
    agent = [places.AGENT_USER] if spec.agent else []
    return [*(paths.user(instance.name) for instance in spec.instances), *agent]


def groups(spec: HostSpec) -> list[str]:
    """Return the system groups that files are given to."""
    wanted = any(instance.stack.engine in weights.WANTED_BY for instance in spec.instances)
    return [paths.GROUP] if wanted else []


@cache
def hostside_files() -> dict[str, bytes]:
    """Return the scripts that run on hosts, and what the probe asks NVML with, by file name."""
    return job.files(probe.CARRIED)


@cache
def hostside_digest() -> str:
    """Return the digest of the scripts that run on hosts."""
    return digest({name: content.decode() for name, content in hostside_files().items()})


@cache
def hostside_archive() -> str:
    """Return the scripts that run on hosts as ``layout.py`` reads them, always the same bytes."""
    texts = {name: content.decode() for name, content in hostside_files().items()}
    return base64.b64encode(zlib.compress(json.dumps(texts).encode())).decode()


def hostside_folder() -> dict[str, str]:
    """Return where the scripts that run on hosts lie, a folder a version, and what leads there."""
    return {"folder": f"{paths.HOSTSIDE}-{hostside_digest()[:12]}", "link": paths.HOSTSIDE}


def laid_out(spec: HostSpec) -> dict[str, Any]:
    """Return what ``layout.py`` is given, but the scripts."""
    links = {places.wants(paths.RECOVER_UNIT): f"{paths.UNITS}/{paths.RECOVER_UNIT}"}
    files = {f"{paths.UNITS}/{name}": text for name, text in units(spec).items()}
    started = [paths.RECOVER_UNIT]
    if spec.agent:
        files[places.agent()] = agent_told(spec.agent)
        links[_wanted_socket()] = f"{paths.UNITS}/{AGENT_SOCKET}"
        started += [AGENT_SOCKET]
    return {
        "accounts": {"groups": groups(spec), "users": users(spec)},
        "folders": dict.fromkeys([*OPEN, spec.weights_root], "755") | dict.fromkeys(CLOSED, "700"),
        "scripts": hostside_folder(),
        "files": files,
        "links": links,
        "units": list(units(spec)),
        "again": [AGENT_UNIT, AGENT_SOCKET] if spec.agent else [],
        "start": started,
        "receipt": {"phase": PHASE, "digest": digest_of(spec), "paths": managed(spec)},
    }


def _wanted_socket() -> str:
    """The link that has gateways answered from boot on."""
    return f"{paths.UNITS}/sockets.target.wants/{AGENT_SOCKET}"


@once
def digest_of(spec: HostSpec) -> str:
    """Return the digest of everything that preparing leaves on a host."""
    return digest(
        [
            OPEN,
            CLOSED,
            units(spec),
            users(spec),
            groups(spec),
            packages(spec),
            hostside_digest(),
            spec.weights_root,
            *([agent_told(spec.agent)] if spec.agent else []),
        ]
    )


def managed(spec: HostSpec) -> list[str]:
    """Return every path that preparing leaves, for the receipt."""
    scripts = [f"{paths.HOSTSIDE}/{name}" for name in hostside_files()]
    unit_files = [f"{paths.UNITS}/{name}" for name in units(spec)]
    found = [*scripts, *unit_files, places.wants(paths.RECOVER_UNIT)]
    if spec.agent:
        found += [places.agent(), _wanted_socket()]
    return [*OPEN, *CLOSED, spec.weights_root, paths.HOSTSIDE, *found]
