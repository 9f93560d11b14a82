"""``Match exec`` of an operator's ``ssh_config``."""

import subprocess
from types import SimpleNamespace

from paramiko import config


def run_match_exec() -> None:
    """
    Have paramiko run the commands of ``Match exec`` where it has nothing to run them with: its
    ``invoke`` is left out of our environment, for it takes longer to import than the rest of it.
    """
    if vars(config)["invoke"] is None:
        vars(config)["invoke"] = SimpleNamespace(run=_run)


def _run(command: str, *, hide: str, warn: bool) -> SimpleNamespace:
    """Run a command of the shell as paramiko asks ``invoke`` to: its output is not shown."""
    del hide, warn
    none = subprocess.DEVNULL
    # As OpenSSH does.
    ended = subprocess.run(command, shell=True, check=False, stdin=none, stdout=none)  # noqa: S602
    return SimpleNamespace(ok=ended.returncode == 0)
