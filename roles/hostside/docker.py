"""What is asked of Docker, by its own command."""

from __future__ import annotations

import json
import subprocess
from typing import Any, List


class DockerError(Exception):
    """Docker refuses, or is not there; the message is its own."""


def ask(*words: str) -> str:
    """
    Return what a command of Docker says.

    :raises DockerError: it failed
    """
    try:
        done = subprocess.run(["docker", *words], capture_output=True, text=True)
    except FileNotFoundError:
        raise DockerError(
            "docker is not installed; put docker.io and docker-compose into the stack's os_packages"
        ) from None
    if done.returncode:
        said = done.stderr.strip() or done.stdout.strip()
        raise DockerError("docker {}: {}".format(words[0], said[-3000:]))
    return done.stdout.strip()


def image_id(name: str) -> str | None:
    """Return the id of an image by its name, ``None`` when the host has none of it."""
    try:
        return ask("image", "inspect", "--format", "{{.Id}}", name)
    except DockerError as error:
        if "No such image" in str(error):
            return None
        raise


def container(name: str) -> Any:
    """Return what Docker knows of a container, ``None`` when there is none."""
    try:
        return json.loads(ask("container", "inspect", name))[0]
    except DockerError as error:
        if "No such container" in str(error):
            return None
        raise


def compose() -> List[str]:
    """
    Return the words that begin a command of Compose: the plugin, or the program of old.

    :raises DockerError: the host has neither
    """
    for words in (["docker", "compose"], ["docker-compose"]):
        try:
            done = subprocess.run(
                [*words, "version"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
        except FileNotFoundError:
            continue
        if done.returncode == 0:
            return words
    raise DockerError(
        "Compose is not installed; put docker-compose, or the plugin, into the stack's os_packages"
    )
