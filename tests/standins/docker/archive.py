"""
A container image of the lab's own base, as ``docker save`` writes it: Python, and no engine.

Real Docker loads and runs it; what is a stand-in is whoever would have built it.
"""

import hashlib
import io
import json
import tarfile
from pathlib import Path

from roles.lab import image

_KEPT = (
    *("bin", "sbin", "lib", "lib64", "usr/bin", "usr/sbin", "usr/lib", "usr/lib64"),
    *("usr/share/python-wheels", "etc/ld.so.cache", "etc/passwd", "etc/group", "etc/ssl"),
)
_LEFT_OUT = ("usr/lib/systemd", "usr/lib/udev", "usr/lib/x86_64-linux-gnu/perl-base")
# Folders that programs expect, and those that the kept ones lie in.
_FOLDERS = ("tmp", "run", "root", "opt", "var", "etc", "usr", "usr/share")


def save(file: Path, name: str, packages: Path | None = None) -> Path:
    """
    Leave an image of that name in ``file``.

    :param packages: what its Python can import besides, in a layer of its own
    """
    layers = [_base(file.with_name("base.layer"))]
    if packages:
        layer = file.with_name("packages.layer")
        with tarfile.open(layer, "w") as made:
            made.add(packages, "usr/lib/python3/dist-packages")
        layers.append(layer)
    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Env": ["PATH=/usr/sbin:/usr/bin:/sbin:/bin"]},
        "rootfs": {"type": "layers", "diff_ids": [_digest(layer) for layer in layers]},
    }
    text = json.dumps(config).encode()
    config_name = f"{hashlib.sha256(text).hexdigest()}.json"
    names = [layer.name for layer in layers]
    entry = {"Config": config_name, "RepoTags": [name], "Layers": names}
    with tarfile.open(file, "w") as made:
        _file(made, config_name, text)
        _file(made, "manifest.json", json.dumps([entry]).encode())
        for layer in layers:
            made.add(layer, layer.name)
            layer.unlink()
    return file


def _base(layer: Path) -> Path:
    with tarfile.open(layer, "w") as made:
        for folder in _FOLDERS:
            _folder(made, folder)
        root = image.path(image.build())
        for kept in _KEPT:
            made.add(root / kept, kept, filter=_wanted)
    return layer


def _digest(layer: Path) -> str:
    with layer.open("rb") as opened:
        return f"sha256:{hashlib.file_digest(opened, 'sha256').hexdigest()}"


def _wanted(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    return None if member.name.startswith(_LEFT_OUT) else member


def _folder(made: tarfile.TarFile, name: str) -> None:
    member = tarfile.TarInfo(name)
    member.type, member.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
    made.addfile(member)


def _file(made: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size, member.mode = len(content), 0o644
    made.addfile(member, io.BytesIO(content))
