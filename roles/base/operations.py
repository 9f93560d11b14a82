"""Our own scripts on a host, and the receipt of a prepared one."""

from collections.abc import Generator

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand, operation

from roles import job, lock, paths
from roles.base import layout
from roles.base.facts import Accounts


@operation()
def folders(weights_root: str) -> Generator[StringCommand, None, None]:
    """
    Our folders are there and belong to root, those with secrets closed to everybody else.

    + weights_root: where weights lie
    """
    for mode, wanted in (("755", [*layout.OPEN, weights_root]), ("700", [*layout.CLOSED])):
        words = ("install", "--directory", "--owner=root", "--group=root", f"--mode={mode}")
        yield StringCommand(*words, *map(QuoteString, wanted))


@operation()
def accounts(users: list[str], groups: list[str]) -> Generator[StringCommand, None, None]:
    """
    System users and groups are there; the users have no home and no shell.

    + users: their names
    + groups: their names
    """
    there = host.get_fact(Accounts, users=users, groups=groups)
    for group in groups:
        if group not in there:
            yield StringCommand("groupadd", "--system", group)
    homeless = ("--home-dir", "/nonexistent", "--no-create-home", "--shell", "/usr/sbin/nologin")
    for user in users:
        if user not in there:
            yield StringCommand("useradd", "--system", *homeless, user)


@operation()
def hostside_scripts() -> Generator[StringCommand, None, None]:
    """The scripts that run on hosts are there, in a folder of their own version."""
    folder = QuoteString(f"{paths.HOSTSIDE}-{layout.hostside_digest()[:12]}")
    beside = QuoteString(f"{paths.HOSTSIDE}-{layout.hostside_digest()[:12]}.new")
    yield StringCommand(
        "rm", "-rf", beside, "&&", "mkdir", "-p", beside,
        "&&", "base64", "-d", "|", "tar", "-xz", "-C", beside, "--no-same-owner",
        "&&", "sync", "-f", beside,
        # Recovery at boot runs from here: at every moment the link leads to a whole folder.
        "&&", "if", "[", "-e", folder, "]", ";", "then",
        *_pointed_at(beside), "&&", "rm", "-rf", folder, "&&", "cp", "-a", beside, folder,
        "&&", "sync", "-f", folder, "&&", *_pointed_at(folder), "&&", "rm", "-rf", beside, ";",
        "else", "mv", "-T", beside, folder, "&&", *_pointed_at(folder), ";", "fi",
        _stdin=layout.hostside_archive(),
    )  # fmt: skip


def _pointed_at(folder: QuoteString) -> list[str | QuoteString]:
    link = QuoteString(f"{paths.HOSTSIDE}.new")
    point: list[str | QuoteString] = ["ln", "-sfn", folder, link]
    return [*point, "&&", "mv", "-Tf", link, QuoteString(paths.HOSTSIDE)]


@operation()
def recovery() -> Generator[StringCommand, None, None]:
    """Systemd knows our units as they are now; what restores at boot is enabled, and was asked."""
    yield StringCommand(
        "systemctl", "--no-reload", "enable", "--quiet", paths.RECOVER_UNIT,
        "&&", "systemctl", "daemon-reload", "&&", "systemctl", "start", paths.RECOVER_UNIT,
    )  # fmt: skip


@operation()
def asked_agent() -> Generator[StringCommand, None, None]:
    """Gateways are answered, by our own scripts as they are now."""
    yield StringCommand("systemctl", "enable", "--quiet", layout.AGENT_SOCKET)
    # A socket does not move while its service has it. Who asks in between asks again.
    yield StringCommand("systemctl", "stop", layout.AGENT_UNIT, layout.AGENT_SOCKET)
    yield StringCommand("systemctl", "start", layout.AGENT_SOCKET)


@operation()
def held_receipt(phase: str) -> Generator[StringCommand, None, None]:
    """
    What a phase left behind is still there, so that nothing of it is done again, but that the lock
    of a dead run is taken over.

    + phase: its name
    """
    host.noop(f"the receipt of {phase} holds")
    yield from lock.taken_over()


@operation()
def receipt(
    phase: str, digest: str, managed: list[str], python: str
) -> Generator[StringCommand, None, None]:
    """
    What a phase left behind is written down, so that a later run can tell whether it holds.

    + phase: its name
    + digest: of what went in
    + managed: every path that it left
    + python: the interpreter that runs our own code
    """
    given = {"digest": digest, "paths": managed}
    yield job.script("receipts", "write", phase, python=python, given=given)
