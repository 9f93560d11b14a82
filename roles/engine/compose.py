"""A server in a container: the file that Docker Compose reads, the same for every host."""

from typing import Any

import yaml

from roles import paths
from roles.engine.file import File
from roles.spec import Accelerator, Image, Instance

WEIGHTS = "/weights"
_RELEASE, _CACHE, _SECRETS = "/release", "/cache", "/run/secrets"
# What a host alone knows: container.py tells it to Compose.
_USER, _CACHE_THERE, _SECRETS_THERE = (
    "${METALSERVE_USER}", "${METALSERVE_CACHE}", "${METALSERVE_SECRETS}",
)  # fmt: skip
_HEALTHY = "import urllib.request as u; u.urlopen('http://127.0.0.1:{port}/health', timeout=4)"


def files(instance: Instance, program: list[str], environment: dict[str, str]) -> dict[str, File]:
    """
    Return what is rendered into a release, by name.

    :param program: a file of the release, and the words after it
    """
    content = {
        "services": {"server": _server(instance, program, environment)},
        "networks": {"default": {"name": paths.container(instance.name)}},
    }
    text = "# Rendered by metalserve with the release; never edited.\n"
    text += yaml.safe_dump(content, sort_keys=False, width=100)
    project = f"COMPOSE_PROJECT_NAME={paths.container(instance.name)}\n"
    return {"compose.yaml": File(text, "0644"), "environment": File(project, "0644")}


def _server(instance: Instance, program: list[str], environment: dict[str, str]) -> dict[str, Any]:
    file, *words = program
    found: dict[str, Any] = {
        "image": paths.image(instance.stack),
        "container_name": paths.container(instance.name),
        "entrypoint": [_python(instance)],
        "command": [f"{_RELEASE}/{file}", *map(_literal, words)],
        "user": _USER,
        "environment": {name: _literal(value) for name, value in (_places() | environment).items()},
        "volumes": [
            _bind("./weights", WEIGHTS),
            _bind(f"./{file}", f"{_RELEASE}/{file}"),
            _bind(_SECRETS_THERE, _SECRETS),
            _bind(_CACHE_THERE, _CACHE, read_only=False),
        ],
        "ports": [f"{instance.endpoint}:{instance.port}"],
        # Processes share tensors here; Docker's own 64 MiB are too few. Taken when it is used.
        "shm_size": "16gb",
        "ulimits": {"memlock": -1, "stack": 64 * 1024 * 1024, "nofile": 1048576},
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "healthcheck": {
            "test": ["CMD", _python(instance), "-c", _HEALTHY.format(port=instance.port)],
            "interval": "5s",
            "timeout": "5s",
            "retries": 3,
            "start_period": f"{instance.ready_within_s}s",
        },
        # The unit's journal is what is kept; these are Docker's own copies.
        "logging": {"driver": "json-file", "options": {"max-size": "10m", "max-file": "2"}},
        # The unit starts it again, as it does with every server.
        "restart": "no",
        "stop_grace_period": "20s",
    }
    if instance.stack.accelerator is Accelerator.CUDA:
        devices = {
            "driver": "nvidia",
            "device_ids": [str(device) for device in instance.devices],
            "capabilities": ["gpu"],
        }
        found["deploy"] = {"resources": {"reservations": {"devices": [devices]}}}
    return found


def _places() -> dict[str, str]:
    """Folders of the server's process, all of them below what it may write to."""
    return {
        "CREDENTIALS_DIRECTORY": _SECRETS,
        "CUDA_CACHE_PATH": f"{_CACHE}/cuda",
        "HOME": _CACHE,
        "TORCHINDUCTOR_CACHE_DIR": f"{_CACHE}/inductor",
        "TRITON_CACHE_DIR": f"{_CACHE}/triton",
        "XDG_CACHE_HOME": _CACHE,
        "XDG_CONFIG_HOME": _CACHE,
    }


def _python(instance: Instance) -> str:
    """The image's own Python, or that of the packages that were put on top."""
    lock = instance.stack.lock
    built = isinstance(lock, Image) and lock.lock
    return f"{paths.IN_IMAGE}/bin/python" if built else "python3"


def _bind(source: str, target: str, *, read_only: bool = True) -> dict[str, Any]:
    return {"type": "bind", "source": source, "target": target, "read_only": read_only}


def _literal(text: str) -> str:
    """Compose puts variables in the place of ``$NAME``."""
    return text.replace("$", "$$")
