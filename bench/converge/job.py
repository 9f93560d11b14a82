"""
The job that every tool does on a host: what metalserve lays out for one instance, elsewhere.

A system user, folders, five templates (one the settings, two units), the questions, a link, and the
unit enabled. The texts are those of a release, with the instance's name and port left open.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from roles.base import layout
from roles.release import Release
from roles.spec import HostSpec

ROOT = "/opt/bench"
_UNIT = "metalserve-vllm@.service"
_RECOVER = "metalserve-recover.service"
_OPEN = {
    "metalserve-vllm@chat.service": "bench-{{ instance }}.service",
    "metalserve-%i": "bench-{{ instance }}",
    "%i": "{{ instance }}",
    "/opt/metalserve/instances/": f"{ROOT}/",
    "--port 8000": "--port {{ listen }}",
    '"port": 8000': '"port": {{ listen }}',
}


@dataclass(frozen=True)
class File:
    """A file as it should be on a host."""

    text: str
    mode: str

    @property
    def digest(self) -> str:
        """What a host's ``sha256sum`` says of it."""
        return sha256(self.text.encode()).hexdigest()


@dataclass(frozen=True)
class Job:
    """
    What a host should have.

    :param folders: mode of each, by path; parents first
    :param unit: what is enabled
    """

    user: str
    folders: dict[str, str]
    files: dict[str, File]
    links: dict[str, str]
    unit: str


def templates(spec: HostSpec) -> dict[str, str]:
    """Return the templates by their names, in the words of Jinja."""
    (instance,) = spec.instances
    units = layout.units(spec)
    texts = {name: file.text for name, file in Release(spec=spec, instance=instance).files.items()}
    texts |= {"unit.service": units[_UNIT], "recover.service": units[_RECOVER]}
    return {name: _opened(text) for name, text in texts.items()}


def questions(spec: HostSpec) -> str:
    """Return the file that is the same on every host."""
    (instance,) = spec.instances
    return json.dumps(Release(spec=spec, instance=instance).checks, indent=1) + "\n"


def release(spec: HostSpec) -> str:
    """Return the name of the release."""
    (instance,) = spec.instances
    return Release(spec=spec, instance=instance).name


def job(spec: HostSpec, name: str, port: int) -> Job:
    """Return what a host of a name should have."""
    root, texts = f"{ROOT}/{name}", templates(spec)
    folder = f"{root}/releases/{release(spec)}"
    known = {"instance": name, "listen": str(port)}
    made = {key: rendered(text, known) for key, text in texts.items()}
    units = "/etc/systemd/system"
    return Job(
        user=f"bench-{name}",
        folders={root: "755", f"{root}/releases": "755", folder: "755", f"{root}/state": "700"},
        files={
            f"{folder}/start": File(made["start"], "755"),
            f"{folder}/environment": File(made["environment"], "644"),
            f"{folder}/release.json": File(made["release.json"], "644"),
            f"{folder}/questions.json": File(questions(spec), "644"),
            f"{units}/bench-{name}.service": File(made["unit.service"], "644"),
            f"{units}/bench-{name}-recover.service": File(made["recover.service"], "644"),
        },
        links={f"{root}/current": folder},
        unit=f"bench-{name}.service",
    )


def ours(spec: HostSpec) -> Job:
    """Return what metalserve should have left of its own, once it has staged."""
    (instance,) = spec.instances
    wanted = Release(spec=spec, instance=instance)
    units = {f"/etc/systemd/system/{name}": text for name, text in layout.units(spec).items()}
    files = {f"{wanted.folder}/{name}": file for name, file in wanted.files.items()}
    return Job(
        user=layout.users(spec)[0],
        folders=dict.fromkeys(layout.OPEN, "755") | dict.fromkeys(layout.CLOSED, "700"),
        files={path: File(text, "644") for path, text in units.items()}
        | {path: File(file.text, file.mode.lstrip("0")) for path, file in files.items()},
        links={f"{wanted.folder}/{name}": target for name, target in wanted.links.items()},
        unit=_RECOVER,
    )


def rendered(text: str, known: Mapping[str, str]) -> str:
    """Fill a template in as Jinja does: it has variables and nothing else."""
    for name, value in known.items():
        text = text.replace(f"{{{{ {name} }}}}", value)
    return text


def _opened(text: str) -> str:
    """Leave name and port of a rendered text open."""
    if any(word in text for word in ("{{", "{%", "{#")):
        raise ValueError(f"a rendered text looks like a template: {text}")
    for said, left_open in _OPEN.items():
        text = text.replace(said, left_open)
    return text
