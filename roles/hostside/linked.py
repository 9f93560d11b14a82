"""A second name for a file, so that nothing is copied."""

from __future__ import annotations

import os

import jobs


def name_again(source: str, target: str) -> None:
    """
    Have a file under another name too.

    :raises JobError: the file system has no hard links
    """
    try:
        os.link(source, target)
    except OSError as error:
        raise jobs.JobError(
            "{} cannot have a second name ({}); weights_root should be on a file system with "
            "hard links".format(source, error.strerror)
        ) from error
