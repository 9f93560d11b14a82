"""The library of NVIDIA's driver that NVML is asked through: its name, and whether it is here."""

from __future__ import annotations

import os

import glance

NAME = "libnvidia-ml.so.1"
_LISTED = "/etc/ld.so.cache"
_FOLDERS = ("/lib", "/lib64", "/usr/lib", "/usr/lib64")


def there(root: str = "") -> bool:
    """
    Say whether a program may find it: whether the loader's list has it, or a folder that the loader
    looks into besides. Where that cannot be told it is for who loads it to see.

    :param root: the folder in the place of ``/``
    """
    if os.environ.get("LD_LIBRARY_PATH"):
        return True
    try:
        with open(root + _LISTED, "rb") as file:
            if NAME.encode() in file.read():
                return True
    except OSError:
        return True
    folders = [root + folder for folder in _FOLDERS]
    folders += ["{}/{}".format(one, name) for one in folders for name in glance.names(one, "-gnu")]
    return any(os.path.lexists("{}/{}".format(folder, NAME)) for folder in folders)
