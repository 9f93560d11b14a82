"""Arguments that every operation of pyinfra has."""

from copy import copy
from functools import cache
from importlib import import_module
from types import SimpleNamespace
from typing import Any, cast

from pyinfra.api import Host, State, arguments, facts

# Two of these modules are hidden by functions of the same name.
ASKERS = ("pyinfra.api.deploy", "pyinfra.api.facts", "pyinfra.api.operation")


def know_arguments() -> None:
    """
    Have pyinfra read their types once, and look for them in all that is known of a host together.

    It does for every operation, deploy and fact of every host, one argument after the other in one
    source after the other: an eighth of what a run over a hundred hosts takes here.
    """
    known = cache(arguments.all_global_arguments)
    arguments.all_global_arguments = facts.all_global_arguments = known
    names = {name for name, _ in known()}
    popped = arguments.pop_global_arguments

    def pop(state: State, host: Host, given: dict[str, Any]) -> Any:
        data = host.data.dict()
        # Whoever asks may change what it gets: it is lent no more than a copy, as by pyinfra.
        told = {name: copy(data[name]) for name in names & data.keys()}
        seen = SimpleNamespace(
            current_deploy_kwargs=host.current_deploy_kwargs, data=SimpleNamespace(**told)
        )
        return popped(state, cast("Host", seen), given)

    for name in ASKERS:
        vars(import_module(name))["pop_global_arguments"] = pop
