"""States of the inventory's weights, on the control machine."""

from collections.abc import Generator, Mapping
from datetime import date
from typing import Any

from pyinfra import logger
from pyinfra.api import FunctionCommand, Host, State, operation

from roles import instance as secrets_of
from roles.hub.asked import Asked, asked
from roles.hub.listing import Hub, HubError
from roles.hub.pinned import pinned
from roles.hub.written import write


@operation()
def pinned_weights(data: dict[str, Any]) -> Generator[FunctionCommand, None, None]:
    """
    A revision of a hub is in the inventory, file by file.

    + data: what was given with ``--data``; see ``asked.py``
    """
    yield FunctionCommand(_pin, (), {"data": data})


def _pin(state: State, host: Host, *, data: Mapping[str, Any]) -> bool:
    # pyinfra prints a traceback for an exception, and nothing for False.
    try:
        wish = asked(data)
        found = pinned(wish, _hub(wish))
        said = write(wish, found, today=date.today())
    except (HubError, secrets_of.SecretError, OSError) as error:
        logger.error(f"{host.print_prefix}nothing was pinned: {error}")
        return False
    for line in said or [f"{wish.name} is pinned already, to the same files"]:
        logger.info(f"{host.print_prefix}{line}")
    return True


def _hub(wish: Asked) -> Hub:
    token = secrets_of.resolve(wish.token) if wish.token else None
    # The clients are large, and only pinning needs them.
    try:
        if wish.hub == "huggingface":
            from roles.hub.huggingface import HuggingFaceHub

            return HuggingFaceHub(wish.endpoint, token)
        from roles.hub.modelscope import ModelScopeHub

        return ModelScopeHub(wish.endpoint, token)
    except ModuleNotFoundError as error:
        raise HubError(
            f"the hub's client is not installed here ({error}), run bin/setup --group hubs"
        ) from None
