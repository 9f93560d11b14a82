"""A host's disk: its own layer over the image, and what makes it that host."""

import shutil
from dataclasses import dataclass
from pathlib import Path

from roles.lab import image, places
from roles.lab.command import attempt, run

CA_BUNDLE = "etc/ssl/certs/ca-certificates.crt"
HOST_KEY = "etc/ssh/ssh_host_ed25519_key"


@dataclass(frozen=True)
class Disk:
    """What is below ``folder`` survives a crash; ``root`` is what the host sees as /."""

    folder: Path
    image: str

    @property
    def root(self) -> Path:
        return self.folder / "merged"

    def mount(self) -> None:
        if self.root.is_mount():
            return
        for part in ("upper", "work", "merged"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        layers = (
            f"lowerdir={image.path(self.image)},"
            f"upperdir={self.folder / 'upper'},workdir={self.folder / 'work'}"
        )
        run("mount", "-t", "overlay", "-o", layers, "metalserve-lab", self.root)

    def unmount(self) -> None:
        # What was written, be it gigabytes of an engine, goes to this machine's disk first.
        if self.root.is_mount() and attempt("umount", self.root, timeout_s=900).returncode:
            # Something of this machine may be looking at it; it keeps its view and no one else.
            run("umount", "--lazy", self.root, timeout_s=900)

    def prepare(self, *, name: str, address: str, proxy: str, authorized: str) -> None:
        """Make a new disk this host's own; one that is finished is left alone."""
        finished = self.folder / "finished"
        if finished.exists():
            self.mount()
            return
        self.unmount()
        for part in ("upper", "work"):
            shutil.rmtree(self.folder / part, ignore_errors=True)
        self.mount()
        files = _files(name, address, proxy, authorized)
        for file, text in files.items():
            path = self.root / file
            path.parent.mkdir(parents=True, exist_ok=True)
            # A link of the image's would lead out of the disk.
            path.unlink(missing_ok=True)
            path.write_text(text)
        (self.root / "root/.ssh").chmod(0o700)
        key = self.root / HOST_KEY
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", key)
        finished.touch()

    def public_key(self) -> str:
        kind, key, *_ = (self.root / f"{HOST_KEY}.pub").read_text().split()
        return f"{kind} {key}"


def _files(name: str, address: str, proxy: str, authorized: str) -> dict[str, str]:
    files = {
        "etc/hostname": f"{name}\n",
        "etc/hosts": f"127.0.0.1 localhost\n::1 localhost\n{address} {name}\n",
        # There is no name server to ask, so every name fails at once.
        "etc/resolv.conf": "",
        "etc/apt/apt.conf.d/50lab": f'Acquire::http::Proxy "{proxy}";\n'
        f'Acquire::https::Proxy "{proxy}";\n',
        "etc/pip.conf": f"[global]\nproxy = {proxy}\ncert = /{CA_BUNDLE}\n",
        "etc/uv/uv.toml": f'http-proxy = "{proxy}"\nhttps-proxy = "{proxy}"\nsystem-certs = true\n',
        "root/.ssh/authorized_keys": authorized,
    }
    bundle = Path("/", CA_BUNDLE)
    if bundle.is_file():
        # Both, as the first is made anew from the second whenever a package brings certificates.
        files[CA_BUNDLE] = bundle.read_text()
        files["usr/local/share/ca-certificates/lab.crt"] = bundle.read_text()
    return files


def make_uv_cache() -> None:
    places.UV_CACHE.mkdir(parents=True, exist_ok=True)
