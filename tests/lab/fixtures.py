"""Sites of lab hosts with the stand-in engine, installed from a folder as offline hosts do."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from roles.lab import Lab, LabHost, places
from roles.lab.command import run
from tests.lab.site import STANDIN, Site
from tests.standins.vllm import build

WHEELS = "/srv/wheels"


def wheels(folder: Path) -> Path:
    """Make a folder of wheels: the stand-in and our tools, all that an offline host needs."""
    folder.mkdir(parents=True)
    build.build(folder, places.REPOSITORY / "canary/questions.json")
    _download(folder, "roles/engine/uv.txt", "roles/weights/spread/libtorrent.txt")
    return folder


def aisbench(folder: Path) -> Path:
    """Make a folder of the wheels that AISBench is made of."""
    folder.mkdir(parents=True)
    _download(folder, "roles/aisbench/aisbench.txt")
    return folder


def _download(folder: Path, *locks: str) -> None:
    subprocess.run(
        [
            sys.executable, "-m", "pip", "--quiet", "download", "--no-deps", "--require-hashes",
            "--only-binary=:all:", "--dest", str(folder),
            *(word for lock in locks for word in ("--requirement", str(places.REPOSITORY / lock))),
        ],
        check=True,
        timeout=1800,
    )  # fmt: skip


def strip(host: LabHost) -> None:
    """Take everything of ours off a host, so that it is as bare as it came."""
    clear(host)
    done = host.run("rm -rf /opt/metalserve/tools")
    assert done.returncode == 0, done.stderr


def clear(host: LabHost) -> None:
    """Take everything of ours off a host but uv, which every site brings by the same pin."""
    done = host.run(
        "systemctl stop 'metalserve-*'; cd /etc/systemd/system"
        " && rm -rf metalserve-* multi-user.target.wants/metalserve-* && systemctl daemon-reload"
        " && find /opt/metalserve -mindepth 1 -maxdepth 2 -not -path '*/cache*' -not -name tools"
        " -not -path '*/tools/uv-*' -prune -exec rm -rf {} +;"
        " rm -rf /var/lib/metalserve /var/log/metalserve /var/cache/metalserve /srv/metalserve;"
        " for user in $(grep -o '^metalserve-[^:]*' /etc/passwd); do userdel $user; done"
    )
    assert done.returncode == 0, done.stderr


def keep_ended(host: LabHost, most: int) -> None:
    """
    Have a host's kernel remember so many connections that have ended, for their minute. With none,
    no server of MindIE waits for that before it starts, whose ports they would be on.
    """
    setting = "/proc/sys/net/ipv4/tcp_max_tw_buckets"
    run("ip", "netns", "exec", host.namespace, "sh", "-c", f"echo {most} > {setting}")


def site(hosts: list[LabHost], folder: Path, carried: Path) -> Site:
    """Return a site whose hosts have the wheels on their own disks."""
    folder.mkdir(parents=True, exist_ok=True)
    for host in hosts:
        clear(host)
        target = Path(host.disk.root) / WHEELS.lstrip("/")
        if not target.exists():
            shutil.copytree(carried, target)
    return Site(
        hosts=hosts,
        folder=folder,
        stack=STANDIN.format(lock=str(carried / "lock.txt")),
        packages=f"Packages(folder={WHEELS!r})",
    )


def real(lab: Lab, folder: Path, **more: Any) -> Site:
    """Return a site whose hosts have the real engine, from the package index."""
    return Site(
        hosts=lab.hosts,
        folder=folder,
        imports="from inventories.stacks import vllm_0_32_cpu",
        stack="vllm_0_32_cpu.STACK",
        packages=f"Packages(proxy={lab.proxy.url!r})",
        **more,
    )
