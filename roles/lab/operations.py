"""States of the lab on the machine that pyinfra runs on."""

from collections.abc import Callable, Generator

from pyinfra import host, logger
from pyinfra.api import FunctionCommand, Host, State, operation

from roles.lab import image, packages, places, record
from roles.lab.command import LabError
from roles.lab.lab import Lab
from roles.lab.lock import alone

Commands = Generator[FunctionCommand, None, None]


@operation()
def programs() -> Commands:
    """What boots a lab host is installed on this machine."""
    missing = packages.missing()
    if missing:
        yield _step(packages.install)
    else:
        host.noop("every program that a lab needs is installed")


@operation()
def base_image() -> Commands:
    """The image that new disks lie on is made from this machine's package sources."""
    if image.is_built():
        host.noop(f"image {image.name(image.wanted())} is built")
    else:
        yield _step(image.build)


@operation()
def running(lab: Lab, count: int) -> Commands:
    """
    A lab has its hosts running, and they answer.

    + lab: the one meant
    + count: how many hosts it has at least
    """
    if lab.faults(count):
        yield _step(lambda: lab.up(count))
    else:
        host.noop(f"lab {lab.name}: {', '.join(h.name for h in lab.hosts)} are running")


@operation()
def stopped(lab: Lab) -> Commands:
    """
    Nothing of a lab runs on this machine; its disks are kept.

    + lab: the one meant
    """
    if lab.remains():
        yield _step(lab.down)
    else:
        host.noop(f"lab {lab.name} is down")


@operation()
def absent(lab: Lab) -> Commands:
    """
    Nothing of a lab is left on this machine, nor an image that no lab uses.

    + lab: the one meant
    """
    if lab.exists:
        yield _step(lab.destroy)
    else:
        host.noop(f"there is no lab {lab.name}")
    if image.unused(record.used_images(besides=lab.name)):
        yield _step(_remove_unused_images)


def _remove_unused_images() -> list[str]:
    # A lab that another run is founding has its image before it says so.
    with alone(places.STATE):
        removed = image.remove_unused(record.used_images())
        if not any(places.STATE.iterdir()):
            places.STATE.rmdir()
    return removed


def _step(verb: Callable[[], object]) -> FunctionCommand:
    def take(state: State, host: Host) -> bool:
        # pyinfra prints a traceback for an exception, and nothing for False.
        try:
            packages.refuse_other_machines()
            changes = verb()
        except (LabError, OSError) as error:
            logger.error(f"{host.print_prefix}{error}")
            return False
        if isinstance(changes, list):
            for change in changes:
                logger.info(f"{host.print_prefix}{change}")
        return True

    return FunctionCommand(take, (), {})
