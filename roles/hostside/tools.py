"""
Programs and libraries of others that our own scripts use, each in a virtual environment of its own.

A tool is pinned by a requirement with hashes, fetched by pip from wherever the host's packages come
from, and complete only with its marker.
"""

from __future__ import annotations

import glob
import hashlib
import importlib
import os
import shutil
import subprocess
import sys
from typing import Any, Dict, List

import durable
import jobs
import places
import progress


class ToolError(jobs.JobError):
    """A tool could not be brought."""


def bring(name: str, pin: str, packages: Any, say: progress.Progress) -> str:
    """
    Return the folder of a tool at its pinned version, fetched by its own hash if need be.

    :raises ToolError: with what pip said
    """
    folder = "{}/{}-{}".format(places.tools(), name, hashlib.sha256(pin.encode()).hexdigest()[:12])
    if os.path.exists(folder + "/complete.json"):
        return folder
    say.say("fetching " + name)
    shutil.rmtree(folder, ignore_errors=True)
    made = [sys.executable, "-m", "venv", folder]
    _must(made, packages, "python3 cannot make virtual environments; is python3-venv installed?")
    durable.write(folder + "/lock.txt", pin)
    pip = [folder + "/bin/pip", "--quiet", "--disable-pip-version-check", "install"]
    pip += ["--require-hashes", "--only-binary=:all:", "--requirement", folder + "/lock.txt"]
    _must([*pip, *origin(packages)], packages, "{} could not be fetched".format(name))
    durable.write_json(folder + "/complete.json", {"at": durable.now()})
    return folder


def module(name: str, folder: str) -> Any:
    """Return a module from a tool's folder, imported into this process."""
    sys.path[:0] = glob.glob(glob.escape(folder) + "/lib/python3*/site-packages")
    return importlib.import_module(name)


def origin(packages: Any) -> List[str]:
    """Return the words that tell pip and uv where packages come from."""
    if packages["folder"]:
        return ["--no-index", "--find-links", packages["folder"]]
    return ["--index-url", packages["index"]] if packages["index"] else []


def environment(packages: Any) -> Dict[str, str]:
    """Return the variables of pip and uv."""
    found = dict(os.environ, UV_CACHE_DIR=places.package_cache(), UV_SYSTEM_CERTS="1")
    found.update(UV_NO_CONFIG="1", UV_NO_PROGRESS="1", HOME=places.ROOT, UV_LINK_MODE="hardlink")
    if packages["proxy"]:
        proxy = packages["proxy"]
        found.update(HTTP_PROXY=proxy, HTTPS_PROXY=proxy, http_proxy=proxy, https_proxy=proxy)
    return found


def command(words: List[str], packages: Any) -> subprocess.CompletedProcess[str]:
    """Run a command that may ask for packages."""
    return subprocess.run(
        words,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env=environment(packages),
    )


def _must(words: List[str], packages: Any, otherwise: str) -> None:
    done = command(words, packages)
    if done.returncode != 0:
        raise ToolError("{}:\n{}".format(otherwise, done.stdout.strip()[-3000:]))
