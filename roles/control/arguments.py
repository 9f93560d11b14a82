"""Arguments that every operation of pyinfra has."""

from functools import cache

from pyinfra.api import arguments, facts


def know_arguments() -> None:
    """
    Have pyinfra read their types once: it does for every operation and every fact of every host,
    which is a tenth of what a run over a hundred hosts takes here.
    """
    known = cache(arguments.all_global_arguments)
    arguments.all_global_arguments = facts.all_global_arguments = known
