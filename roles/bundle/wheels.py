"""
Every wheel of a lock that can be installed on a host with glibc, whatever this machine is.

uv tells which they are, and at which URL, for another Python and platform than its own. What is
taken has a hash of the lock; that there is more than one for a package, for older and newer glibc,
does not hurt, since the host takes the one that fits.
"""

import re
import subprocess
import sys
import tempfile
import tomllib
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from roles import uv
from roles.bundle.asked import BundleError
from roles.spec.lock import Arch

# The newest that uv knows; wheels for every older one are among those for it.
_GLIBC = "manylinux_2_40"
_HEAD_WITHIN_S = 30
_HASH = re.compile(r"--hash=sha256:([0-9a-f]{64})")


def listed(lock: str, *, python: str, arch: Arch, index: str | None) -> list[dict[str, Any]]:
    """
    Return path, size, sha256 and URL of each wheel.

    :param lock: its text
    :param python: the minor version that it is for
    :param arch: the machine that it is for
    :raises BundleError: the index lacks some of it, or cannot be asked
    :raises OSError: uv is not there
    """
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "lock.txt").write_text(lock)
        words = [
            "lock.txt", "--no-deps", "--format", "pylock.toml", "--output-file", "pylock.toml",
            "--python-version", python, "--python-platform", f"{arch}-{_GLIBC}",
            # It would fetch a Python of that version, and needs none.
            "--python", sys.executable, "--no-python-downloads",
        ]  # fmt: skip
        try:
            ended = uv.compiled(words, folder=Path(folder), index=index)
        except subprocess.TimeoutExpired:
            raise BundleError(f"the package index said nothing for {uv.WITHIN_S} s") from None
        if ended.returncode != 0:
            raise BundleError(f"the package index has not all of the lock: {ended.stderr.strip()}")
        found = tomllib.loads((Path(folder) / "pylock.toml").read_text())
    pinned = set(_HASH.findall(lock))
    return [file for package in found["packages"] for file in _files(package, pinned)]


def _files(package: dict[str, Any], pinned: set[str]) -> list[dict[str, Any]]:
    name = f"{package['name']} {package.get('version', '')}".strip()
    offered = package.get("wheels") or [package["archive"]]
    right = [wheel for wheel in offered if wheel["hashes"].get("sha256") in pinned]
    if not right:
        raise BundleError(f"the package index has {name} with other hashes than the lock pins")
    return [_file(name, wheel) for wheel in right]


def _file(name: str, wheel: dict[str, Any]) -> dict[str, Any]:
    url = str(wheel.get("url", ""))
    if not url.startswith(("http://", "https://")):
        raise BundleError(
            f"{name} is at {url or wheel.get('path')}, should be at a URL of an index"
        )
    return {
        "path": unquote(Path(urlsplit(url).path).name),
        "size": wheel["size"] if "size" in wheel else _size(url),
        "sha256": wheel["hashes"]["sha256"],
        "at": url,
    }


def _size(url: str) -> int:
    """Ask a file's server, where the index does not tell."""
    head = urllib.request.Request(url, method="HEAD")  # noqa: S310  # http or https
    try:
        with urllib.request.urlopen(head, timeout=_HEAD_WITHIN_S) as answer:  # noqa: S310
            return int(answer.headers["Content-Length"])
    except (urllib.error.URLError, TypeError, ValueError) as error:
        raise BundleError(f"{url} does not tell its size: {error}") from error
