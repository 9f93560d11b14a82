"""Whether the disk that lab hosts share has room for what is to be measured on them."""

from shutil import disk_usage

from roles.lab import LabError, places

_GIB = 1024**3


def refuse_full_disk(gib: float, what: str) -> None:
    """
    Stop before the first byte unless so much is free.

    :raises LabError: it is not
    """
    disk = places.STATE.parent
    free = disk_usage(disk).free / _GIB
    if free < gib:
        raise LabError(f"{disk}: {free:.1f} GiB are free, {gib:.0f} are right for {what}")
