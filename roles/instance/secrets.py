"""Secrets: read on the control machine at use, known by a name that tells nothing of them."""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
from functools import cache
from typing import Any

from gevent.lock import RLock

from roles.spec import Instance, Secret

_COMMAND_WITHIN_S = 60
_SHORTEST = 16
_KEY = re.compile(
    r"-----BEGIN ((?:OPENSSH |RSA |EC )?)PRIVATE KEY-----\n"
    r"([A-Za-z0-9+/]{64}[A-Za-z0-9+/=\n]+)-----END \1PRIVATE KEY-----"
)
_WITHOUT_PASSPHRASE = b"openssh-key-v1\0\0\0\0\4none"
_reading = RLock()
_lines: set[str] = set()


class SecretError(Exception):
    """A secret is not to be had on the control machine."""


def resolve(secret: Secret) -> str:
    """
    Return a secret's value, read once a run however many hosts ask at once.

    :raises SecretError: it is not to be had, or too short to stand up to guessing
    """
    value = _found(secret)
    if len(value) < _SHORTEST or not re.fullmatch("[!-~]+", value):
        raise SecretError(
            f"{place(secret)} holds one of {len(value)} characters, shorter than {_SHORTEST} or "
            "not all printable ASCII without spaces"
        )
    return value


def private_key(secret: Secret) -> str:
    """
    Return an SSH key as its file has it, read once a run.

    :raises SecretError: it is not to be had, is no private key, or wants a passphrase
    """
    value = _found(secret)
    found = _KEY.fullmatch(value)
    if not found:
        raise SecretError(f"{place(secret)} holds no private key that ssh-keygen -N '' wrote")
    kind, text = found.groups()
    if kind == "OPENSSH " and not base64.b64decode(text[:64]).startswith(_WITHOUT_PASSPHRASE):
        raise SecretError(
            f"{place(secret)} holds a private key with a passphrase, which nobody could type"
        )
    return value + "\n"


def masked(content: Any) -> Any:
    """Return JSON without the secrets that this run has read, wherever a host said one."""
    if isinstance(content, str):
        for line in _lines:
            content = content.replace(line, "*MASKED*")
        return content
    if isinstance(content, dict):
        return {key: masked(value) for key, value in content.items()}
    return [masked(item) for item in content] if isinstance(content, (list, tuple)) else content


def _found(secret: Secret) -> str:
    with _reading:
        value = _read(secret)
    # Of a key in several lines each tells something, but the shortest.
    _lines.update(line for line in value.splitlines() if len(line) >= _SHORTEST)
    return value


def place(secret: Secret) -> str:
    """Return where a secret is read from, and nothing of it."""
    if secret.env:
        return f"the environment variable {secret.env}"
    return f"the file {secret.file}" if secret.file else f"the command {secret.command[0]}"


@cache
def _read(secret: Secret) -> str:
    if secret.env:
        value = os.environ.get(secret.env, "")
    else:
        value = _of_file(secret) if secret.file else _of_command(secret)
    if not value:
        raise SecretError(f"{place(secret)} holds no secret on this machine")
    return value


def generation(instance: Instance, *, machine_id: str) -> dict[str, Any]:
    """
    Return an instance's secrets for a host, with a name that changes when one of them does.
    The name is keyed by the host, so that it cannot be compared between hosts.
    """
    files = {"api-key": resolve(instance.api_key) if instance.api_key else ""}
    return {"generation": named([instance.name, files], machine_id=machine_id), "files": files}


def named(secrets: object, *, machine_id: str) -> str:
    """Return a name of secrets that tells nothing of them, keyed by the host."""
    text = json.dumps(secrets, sort_keys=True)
    return hmac.new(machine_id.encode(), text.encode(), hashlib.sha256).hexdigest()[:12]


def _of_file(secret: Secret) -> str:
    try:
        return secret.file.read_text().strip() if secret.file else ""
    except OSError as error:
        raise SecretError(f"the secret's file cannot be read: {error}") from error
    except UnicodeDecodeError:
        raise SecretError(f"the secret's file {secret.file} is no text") from None


def _of_command(secret: Secret) -> str:
    # Of its words only the first is told, and nothing of its output: both may hold a secret.
    told = f"the secret's command {secret.command[0]}"
    try:
        done = subprocess.run(  # noqa: S603  # the inventory's own words, without a shell
            secret.command, stdout=subprocess.PIPE, text=True, timeout=_COMMAND_WITHIN_S
        )
    except subprocess.TimeoutExpired:
        raise SecretError(f"{told} did not end within {_COMMAND_WITHIN_S} s") from None
    except OSError as error:
        raise SecretError(f"{told} cannot be run: {error.strerror}") from error
    except UnicodeDecodeError:
        raise SecretError(f"{told} answered no text") from None
    if done.returncode != 0:
        raise SecretError(f"{told} ended with {done.returncode}")
    return done.stdout.strip()
