"""The lab of the bench: real hosts, other names of theirs, and what each tool is told of them."""

import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.converge import job, script, wanted
from roles.lab import LabError, LabHost
from tests.lab.site import connections

_INVENTORY = """\
from pathlib import Path

from bench.converge import wanted

hosts = wanted.hosts(Path({file!r}))
"""
_FIRST_PORT = 9000


@dataclass(frozen=True)
class Named:
    """A name that tools know a host by; several names may be of one host."""

    name: str
    port: int
    host: LabHost


def named(hosts: Sequence[LabHost], count: int) -> list[Named]:
    """Return so many names, the hosts' in turns: each once as long as there are enough."""
    return [
        Named(f"h{number + 1:03}", _FIRST_PORT + number, hosts[number % len(hosts)])
        for number in range(count)
    ]


class Site:
    """So many names in a folder of files that the tools read."""

    def __init__(
        self, hosts: Sequence[LabHost], count: int, *, folder: Path, lock: Path, key: str
    ) -> None:
        self.folder = folder
        self.names = named(hosts, count)
        self.spec = wanted.spec(lock)
        self.jobs = {one.name: job.job(self.spec, one.name, one.port) for one in self.names}
        self.environment = {
            name: value for name, value in os.environ.items() if name != "SSH_AUTH_SOCK"
        } | {"PYINFRA_PROGRESS": "off", wanted.KEY: key}
        folder.mkdir(parents=True, exist_ok=True)
        self._write(lock)

    @property
    def hosts(self) -> list[LabHost]:
        """The real hosts that have a name."""
        return list({one.host.name: one.host for one in self.names}.values())

    @property
    def aliased(self) -> bool:
        """Whether a host has more than one name."""
        return len(self.hosts) < len(self.names)

    def jobs_of(self, host: LabHost) -> list[job.Job]:
        """Return what a real host should have, for all its names."""
        return [self.jobs[one.name] for one in self.names if one.host.name == host.name]

    def do(self) -> None:
        """Have the job done everywhere, one name after the other on each host."""
        texts = dict.fromkeys([host.name for host in self.hosts], "")
        for one in self.names:
            texts[one.host.name] += f"({self._script(one)})\n"
        self._everywhere(texts)

    def undo(self) -> None:
        """Have nothing of the job anywhere, of ours neither."""
        self._everywhere(dict.fromkeys([host.name for host in self.hosts], script.UNDO))

    def check(self, *, ours: bool = False) -> None:
        """Refuse hosts where the job is not done."""
        own = job.ours(self.spec)
        wanted = {host.name: [own] if ours else self.jobs_of(host) for host in self.hosts}
        self._everywhere({name: script.checking(*jobs) for name, jobs in wanted.items()})

    def _everywhere(self, texts: dict[str, str]) -> None:
        """Run a script on each real host, by its name, all at once; each has to end with 0."""
        with ThreadPoolExecutor(len(texts)) as pool:
            list(pool.map(lambda host: self._run(host, texts[host.name]), self.hosts))

    def _run(self, host: LabHost, text: str) -> None:
        (Path(host.disk.root) / "root/bench.sh").write_text(text)
        done = host.run("sh /root/bench.sh", timeout_s=600)
        if done.returncode:
            raise LabError(f"{host.name}: {(done.stdout + done.stderr).strip()}")

    def _script(self, one: Named) -> str:
        return script.doing(one.name, self.jobs[one.name])

    def _write(self, lock: Path) -> None:
        """Write what the tools read: templates, inventories, scripts, ssh's configuration."""
        templates = self.folder / "templates"
        templates.mkdir(exist_ok=True)
        for name, text in job.templates(self.spec).items():
            (templates / name).write_text(text)
        (templates / "questions.json").write_text(job.questions(self.spec))
        scripts = self.folder / "scripts"
        scripts.mkdir(exist_ok=True)
        for one in self.names:
            (scripts / one.name).write_text(self._script(one))
        reached = {one.name: connections([one.host])[one.host.name] for one in self.names}
        told = self.folder / "wanted.json"
        told.write_text(json.dumps({"lock": str(lock), "connections": reached}))
        (self.folder / "ours.py").write_text(_INVENTORY.format(file=str(told)))
        common = {"templates": str(templates), "release": job.release(self.spec)}
        own = {one.name: {"instance": one.name, "listen": one.port} for one in self.names}
        plain = [(name, {**reached[name], **own[name], **common}) for name in own]
        # Two cores answer a hundred connections at once.
        (self.folder / "config.py").write_text(
            "from pyinfra import config\n\nconfig.CONNECT_TIMEOUT = 120\n"
        )
        (self.folder / "plain.py").write_text(f"hosts = {plain!r}\n")
        (self.folder / "ansible.json").write_text(
            json.dumps({"all": {"hosts": own, "vars": common}}, indent=1)
        )
        (self.folder / "ssh.conf").write_text("".join(map(_ssh, self.names)))


def _ssh(one: Named) -> str:
    host = one.host
    lines = {
        "HostName": host.address,
        "User": "root",
        "IdentityFile": host.key,
        "IdentitiesOnly": "yes",
        "UserKnownHostsFile": host.known_hosts,
        "StrictHostKeyChecking": "yes",
        "BatchMode": "yes",
        "LogLevel": "ERROR",
    }
    told = "".join(f"    {name} {value}\n" for name, value in lines.items())
    return f"Host {one.name}\n{told}"
