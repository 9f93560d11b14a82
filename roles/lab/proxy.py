"""The only way out of a lab: a proxy that lets through to package archives and nowhere else."""

import re
import socket
from dataclasses import dataclass
from pathlib import Path

from roles.lab import places, sources
from roles.lab.cgroup import Group
from roles.lab.command import LabError, wait
from roles.lab.daemon import ONCE, Daemon
from roles.lab.network import Network

PORT = 3128

_CONFIG = """\
User nobody
Group nogroup
Listen {gateway}
Port {port}
Allow {subnet}
ConnectPort 443
Filter "{folder}/allowed"
FilterDefaultDeny Yes
FilterExtended On
MaxClients 600
Timeout 600
LogLevel Warning
DisableViaHeader Yes
"""


def allowed() -> list[str]:
    """Name the hosts that packages come from: those of our lock and those of this machine's apt."""
    lock = places.REPOSITORY / "uv.lock"
    return sources.package_hosts(lock.read_text(), sources.read())


@dataclass(frozen=True)
class Proxy:
    """The proxy of one lab, on its bridge."""

    folder: Path
    network: Network
    group: Group

    @property
    def url(self) -> str:
        return f"http://{self.network.gateway}:{PORT}"

    @property
    def daemon(self) -> Daemon:
        return Daemon(self.folder / "pid", self.folder / "log")

    def runs(self) -> bool:
        """Whether it runs, with the allow list that is right today."""
        return self.daemon.pid is not None and self._is_configured()

    def start(self) -> None:
        self.stop()
        self.folder.mkdir(parents=True, exist_ok=True)
        for name, text in self._files().items():
            (self.folder / name).write_text(text)
        doors = " ".join(str(door) for door in self.group.doors())
        self.daemon.start(ONCE, doors, "tinyproxy", "-d", "-c", self.folder / "tinyproxy.conf")
        if not wait(self._listens, within_s=60):
            raise LabError(f"{self.url}: the proxy does not listen, see {self.daemon.log}")

    def stop(self) -> None:
        self.daemon.kill()

    def _files(self) -> dict[str, str]:
        config = _CONFIG.format(
            gateway=self.network.gateway,
            port=PORT,
            subnet=self.network.subnet,
            folder=self.folder,
        )
        patterns = [f"^{re.escape(name)}$" for name in allowed()]
        return {"tinyproxy.conf": config, "allowed": "\n".join(patterns) + "\n"}

    def _is_configured(self) -> bool:
        for name, text in self._files().items():
            path = self.folder / name
            if not path.is_file() or path.read_text() != text:
                return False
        return True

    def _listens(self) -> bool:
        try:
            with socket.create_connection((self.network.gateway, PORT), timeout=1):
                return True
        except OSError:
            return False
