"""What a file would be other than it is, which ``--diff`` asks for."""

from collections.abc import Mapping

from pyinfra import host, logger, state
from pyinfra.facts.files import FileContents
from pyinfra.operations.util.files import generate_color_diff


def show(files: Mapping[str, str]) -> None:
    """
    Show it of each file that is there otherwise or not at all, if the operator asked for it.

    :param files: the text that is wanted, by path
    """
    if not state.config.DIFF:
        return
    for path, text in files.items():
        there = host.get_fact(FileContents, path=path)
        if there != text.splitlines():
            host.log(f"Will {'create' if there is None else 'modify'} {path}", logger.info)
            seen = [f"{line}\n" for line in there or ()]
            for line in generate_color_diff(seen, text.splitlines(keepends=True)):
                logger.info("  %s", line)
