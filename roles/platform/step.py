"""A step: one thing that is done to a host as root, as words, with how to read what it says."""

from dataclasses import asdict, dataclass
from typing import Any

from roles.spec import Installer


class PlatformError(Exception):
    """A host cannot be brought to its driver or toolkit; says why, its state and what to do."""


@dataclass(frozen=True)
class Step:
    """
    One command on the way to a driver or a toolkit. A step is planned when it is needed, and run
    again when it was cut short: running it twice has to be harmless.

    :param name: of the step, its marker and its log; letters, digits, ``.`` and ``-``
    :param words: the command; ``{file}`` in a word stands for the installer's path on the host
    :param timeout_s: after which it is killed, with its children
    :param installer: the vendor's file; its sha256 is looked at before the command runs
    :param success: patterns of which one has to be in the output; none: the exit code decides
    :param already: patterns that make any exit code right, as "has been installed"
    :param codes: exit codes that are no failure
    :param reboot: patterns in the output that ask for a reboot
    :param tells: patterns of lines of the output that the operator is to see
    :param always_reboot: whether success itself asks for one
    :param stops: whether our instances are drained and stopped first
    :param environment: variables beside the host's own
    :param cwd: the folder that it runs in
    :param writes: files, path and text, that are there before the command runs
    """

    name: str
    words: tuple[str, ...]
    timeout_s: float
    installer: Installer | None = None
    success: tuple[str, ...] = ()
    already: tuple[str, ...] = ()
    codes: tuple[int, ...] = (0,)
    reboot: tuple[str, ...] = ()
    tells: tuple[str, ...] = ()
    always_reboot: bool = False
    stops: bool = False
    environment: tuple[tuple[str, str], ...] = ()
    cwd: str = "/"
    writes: tuple[tuple[str, str], ...] = ()

    def to_json(self, *, path: str | None = None) -> dict[str, Any]:
        """Return what ``steps.py`` is given of it, with the installer's ``path`` on the host."""
        told = asdict(self) | {"installer": None}
        if self.installer:
            file, sha256 = self.installer.file, self.installer.sha256
            told["installer"] = {"file": file, "sha256": sha256, "path": path}
        return told
