"""Text that lands on hosts, from ``templates/``: named values only, an undefined name fails."""

import shlex
from functools import cache
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from roles import paths
from roles.hostside import places

_FOLDER = Path(__file__).parents[1] / "templates"


@cache
def _environment() -> Environment:
    environment = Environment(
        # The rest are units and shell scripts, in which nothing of HTML is to be escaped.
        autoescape=select_autoescape(enabled_extensions=("html.j2",)),
        loader=FileSystemLoader(_FOLDER),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["quote"] = shlex.quote
    environment.globals["paths"] = paths
    environment.globals["places"] = places
    return environment


def render(name: str, **values: object) -> str:
    """Return the template ``name`` with ``values`` in it."""
    return _environment().get_template(name).render(**values)
