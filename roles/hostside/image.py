"""
Bring a stack that is a container image: pulled by its digest or loaded from an archive, with the
packages of a lock on top if it has one.

The plan of the job: ``{"name", "folder", "image": what it is called here, "reference" or "archive":
{"file", "sha256"}, "lock": text or null, "python", "disk_gib", "gpus": whether it needs some,
"packages": {"index", "folder", "proxy"}}``. The folder holds the marker, ``complete.json``, with
the id of the image: whoever starts a container holds the image against it.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import time
from typing import Any, Dict, List

import docker
import durable
import filling
import hashed
import jobs
import places
import progress
import space

_GIB = 1024**3
_CERTIFICATES = "/etc/ssl/certs/ca-certificates.crt"
_VENV = 'python3 -m venv "$0" && exec "$0/bin/pip" "$@"'
_UNKNOWN_DRIVER = "could not select device driver"


class ImageError(jobs.JobError):
    """The image could not be brought."""


class Bringing:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.plan, self.progress = plan, say
        self.folder: str = plan["folder"]
        self.disk = places.ROOT

    def run(self) -> str:
        """Leave the image whole under its name and return what was done."""
        if os.path.exists(self.folder + "/complete.json"):
            return "{} is complete".format(self.plan["name"])
        began = time.monotonic()
        self.room()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o755)
        with self.original() as image:
            if self.plan["lock"]:
                self.build(image)
            else:
                docker.ask("tag", image, self.plan["image"])
        if self.plan["gpus"]:
            self.show_gpus()
        marker = {"at": durable.now(), "image": self.plan["image"]}
        marker["id"] = docker.image_id(self.plan["image"])
        durable.write_json(self.folder + "/complete.json", marker)
        took = progress.duration(time.monotonic() - began)
        return "{} brought in {}".format(self.plan["name"], took)

    def room(self) -> None:
        """Refuse before the first byte when Docker's disk is too small."""
        self.disk = docker.ask("info", "--format", "{{.DockerRootDir}}")
        why = space.lacking(self.plan["disk_gib"], self.disk)
        if why:
            raise ImageError(why)

    @contextlib.contextmanager
    def original(self) -> Any:
        """Have the image under the name that it comes with, which goes if nobody gave it before."""
        before = docker.ask("images", "--digests", "--format", _NAMES).split()
        name = self.load() if self.plan["archive"] else self.pull()
        try:
            yield name
        finally:
            if name not in before and not name.startswith("sha256:"):
                docker.ask("rmi", name)

    def pull(self) -> str:
        """Pull it by the digest of its manifest, which Docker verifies."""
        self.follow(["docker", "pull", "--quiet", self.plan["reference"]], "pulling, about")
        return str(self.plan["reference"])

    def load(self) -> str:
        """Load the one image of an archive that is the pinned file."""
        archive, folder = self.plan["archive"], self.plan["packages"]["folder"]
        if not folder:
            raise ImageError(
                "{} has no folder to lie in; name one in the host's packages".format(
                    archive["file"]
                )
            )
        path = "{}/{}".format(folder, archive["file"])
        self.progress.say("verifying")
        found = hashed.sha256(path)
        if found != archive["sha256"]:
            raise ImageError("{} has sha256 {}, another file is pinned".format(path, found))
        said = self.follow(["docker", "load", "--input", path], "loading, about")
        names = [line.split(": ", 1)[1] for line in said.splitlines() if "Loaded image" in line]
        if len(names) != 1:
            raise ImageError("{} holds {} images, one is right".format(path, len(names)))
        return names[0]

    def build(self, image: str) -> None:
        """Put the packages of the lock on top, with the image's own Python."""
        asked = "import sys; print('{}.{}'.format(*sys.version_info))"
        python = docker.ask("run", "--rm", "--entrypoint", "python3", image, "-c", asked)
        if python != self.plan["python"]:
            raise ImageError(
                "the image has Python {}, the lock was made for {}".format(
                    python, self.plan["python"]
                )
            )
        durable.write(self.folder + "/lock.txt", self.plan["lock"])
        container = "metalserve-build-" + self.plan["name"]
        with contextlib.suppress(docker.DockerError):
            docker.ask("rm", "--force", container)
        words = ["docker", "run", "--name", container, "--user", "0", "--network", "host"]
        words += self.shown([self.folder + "/lock.txt"])
        words += ["--entrypoint", "sh", image, "-c", _VENV, places.IN_IMAGE, *self.pip()]
        try:
            self.follow(words, "installing, about")
            # Pip's words are not what the image is for.
            entry = 'ENTRYPOINT ["{}/bin/python"]'.format(places.IN_IMAGE)
            docker.ask("commit", "--change", entry, container, self.plan["image"])
        finally:
            docker.ask("rm", "--force", container)

    def pip(self) -> List[str]:
        """Return what pip is told."""
        words = ["install", "--quiet", "--disable-pip-version-check", "--no-cache-dir", "--no-deps"]
        words += ["--require-hashes", "--only-binary=:all:"]
        words += ["--requirement", self.folder + "/lock.txt"]
        packages: Dict[str, Any] = self.plan["packages"]
        if packages["folder"]:
            return [*words, "--no-index", "--find-links", packages["folder"]]
        if os.path.exists(_CERTIFICATES):
            words += ["--cert", _CERTIFICATES]
        if packages["index"]:
            words += ["--index-url", packages["index"]]
        return words + (["--proxy", packages["proxy"]] if packages["proxy"] else [])

    def shown(self, paths: List[str]) -> List[str]:
        """Return the words that show the container files of the host, under their own names."""
        paths = [*paths, self.plan["packages"]["folder"] or _CERTIFICATES]
        return [
            word
            for path in paths
            if os.path.exists(path)
            for word in ("--volume", "{0}:{0}:ro".format(path))
        ]

    def show_gpus(self) -> None:
        """Refuse an image whose containers would be shown no GPU."""
        words = ["run", "--rm", "--gpus", "all", "--entrypoint", "python3", self.plan["image"]]
        try:
            docker.ask(*words, "-c", "")
            return
        except docker.DockerError as error:
            if _UNKNOWN_DRIVER not in str(error):
                raise
        # It looks for the toolkit when it starts, and not again.
        if docker.ask("ps", "--quiet"):
            raise ImageError(
                "Docker knows no GPUs; give the host its containers=ContainerToolkit(…), and "
                "restart it (systemctl restart docker), which is not done here as others run in it"
            )
        subprocess.run(["systemctl", "restart", "docker"], check=True)
        docker.ask(*words, "-c", "")

    def follow(self, words: List[str], stage: str) -> str:
        """Run a command that takes long, and return what it said."""
        code, said = filling.run(
            words,
            log=self.folder + "/image.log",
            disk=self.disk,
            total=int(self.plan["disk_gib"] * _GIB),
            stage=stage,
            say=self.progress,
        )
        if code != 0:
            raise ImageError("{} failed:\n{}".format(stage.split(",")[0], said[-3000:]))
        return said


_NAMES = "{{.Repository}}:{{.Tag}} {{.Repository}}@{{.Digest}}"


def forget(folder: str) -> None:
    """
    Delete the image of a stack's folder, when it has one.

    :raises OSError: Docker does not let it go
    """
    marker = durable.read_json(folder + "/complete.json") or {}
    if "image" not in marker:
        return
    try:
        if docker.image_id(marker["image"]):
            docker.ask("rmi", marker["image"])
    except docker.DockerError as error:
        raise OSError(str(error)) from error


def _bring(plan: Any, say: progress.Progress) -> str:
    try:
        return Bringing(plan, say).run()
    except docker.DockerError as error:
        raise ImageError(str(error)) from error


def main() -> None:
    """See the top of the file."""
    jobs.perform(_bring, otherwise="is not brought, nothing that serves was touched")


if __name__ == "__main__":
    main()
