"""
Run the container of an instance in the foreground of its unit, and end it when it hangs.

``container.py run INSTANCE`` is what the unit starts; ``container.py remove INSTANCE`` leaves no
container of the instance. What the server says goes to the unit's journal through Compose. Docker
restarts no container that is unhealthy: it is killed here, and systemd starts the unit again.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from typing import Any

import docker
import durable
import places
import transaction

_LOOK_EVERY_S = 1.0
# Compose gives it 20 s to end by itself.
_ENDS_WITHIN_S = 25.0


class Container:
    """The container of an instance's current release."""

    def __init__(self, instance: str) -> None:
        self.name = places.container_name(instance)
        self.note = places.container(instance)
        release = transaction.current(instance) or ""
        self.folder = "{}/{}".format(places.releases(instance), release)
        self.about = transaction.about(instance, release)
        self.cache = "{}/{}".format(os.environ["CACHE_DIRECTORY"], release)
        self.secrets = os.path.dirname(self.note) + "/secrets"
        self.stopping = threading.Event()

    def run(self) -> int:
        """Serve until told to stop, until the server ends or until it hangs; return the status."""
        self.refuse_other_image()
        self.lay_out()
        remove(self.name)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        with subprocess.Popen(self.words(), env=self.environment(), cwd=self.folder) as up:
            self.watch(up)
            try:
                status = up.wait(_ENDS_WITHIN_S)
            except subprocess.TimeoutExpired:
                up.kill()
                raise docker.DockerError("its container does not end") from None
        # A server has no reason of its own to end.
        return 0 if self.stopping.is_set() else status or 1

    def refuse_other_image(self) -> None:
        """Refuse to serve from anything but the image that was brought."""
        stack = os.path.realpath(self.folder + "/stack")
        brought = durable.read_json(stack + "/complete.json")
        found = docker.image_id(brought["image"]) if brought else None
        if found is None or found != brought["id"]:
            raise docker.DockerError(
                "the image of {0} is {1}; delete {0}/complete.json and run deploy/main.py, which "
                "brings it again".format(stack, "another one" if found else "gone")
            )

    def lay_out(self) -> None:
        """Have the folders that the container is shown; what it must know is in memory alone."""
        for folder in (self.cache, self.secrets):
            os.makedirs(folder, mode=0o700, exist_ok=True)
        with open(os.environ["CREDENTIALS_DIRECTORY"] + "/api-key") as file:
            durable.write(self.secrets + "/api-key", file.read(), mode=0o400)

    def words(self) -> Any:
        """Return the command that starts the container and tells what it says."""
        words = [*docker.compose(), "--file", self.folder + "/compose.yaml", "up", "--no-build"]
        words += ["--no-color", "--no-log-prefix"]
        return [*words, "--abort-on-container-exit", "--exit-code-from", "server"]

    def environment(self) -> Any:
        """Return what compose.yaml leaves to the host."""
        return dict(
            os.environ,
            DOCKER_CONFIG=os.path.dirname(self.note),
            METALSERVE_CACHE=self.cache,
            METALSERVE_SECRETS=self.secrets,
            METALSERVE_USER="{}:{}".format(os.geteuid(), os.getegid()),
        )

    def watch(self, up: Any) -> None:
        """Look after the container until it ends, is to end, or has to be killed."""
        while up.poll() is None:
            if self.stopping.wait(_LOOK_EVERY_S):
                quietly("stop", self.name)
                return
            try:
                found = docker.container(self.name)
            except docker.DockerError:
                # Without Docker the command of Compose does not live long either.
                continue
            if found is None:
                continue
            if not os.path.exists(self.note):
                known = {"id": found["Id"], "unit": self.about["unit"], "port": self.about["port"]}
                durable.write_json(self.note, known)
            health = found["State"].get("Health") or {"Status": "none"}
            if health["Status"] == "unhealthy":
                last = health["Log"][-1]["Output"].strip().splitlines() or ["no answer"]
                print("the container is unhealthy and is killed: " + last[-1], flush=True)
                quietly("kill", self.name)
                return


def remove(name: str) -> None:
    """Leave neither container nor network of a name."""
    quietly("rm", "--force", name)
    quietly("network", "rm", name)


def quietly(*words: str) -> None:
    """Tell Docker to do what may be done already."""
    try:
        docker.ask(*words)
    except docker.DockerError as error:
        if "No such" not in str(error) and "not found" not in str(error):
            print(error, file=sys.stderr)


def main() -> None:
    """See the top of the file."""
    verb, instance = sys.argv[1:]
    if verb == "remove":
        remove(places.container_name(instance))
        return
    try:
        sys.exit(Container(instance).run())
    except (docker.DockerError, OSError) as error:
        raise SystemExit("{} does not serve: {}".format(instance, error)) from error


if __name__ == "__main__":
    main()
