"""Versions in order."""

from packaging.version import InvalidVersion, Version


def older(version: str, than: str) -> bool:
    """
    Say whether ``version`` comes before ``than``; a local part such as ``+cu128`` does not count.

    :raises ValueError: it is no version of Python's
    """
    try:
        return Version(Version(version).public) < Version(than)
    except InvalidVersion as error:
        raise ValueError(str(error)) from error
