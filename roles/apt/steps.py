"""Steps that go through the distribution's packages."""

from collections.abc import Iterable, Iterator
from dataclasses import replace

from roles.hostside import places
from roles.platform import Step

_HOUR_S = 3600
# Nobody is there to be asked, another apt may be at work, and what an operator changed stays.
_QUIET = (
    "-y",
    "-o", "DPkg::Lock::Timeout=600",
    "-o", "Dpkg::Options::=--force-confdef",
    "-o", "Dpkg::Options::=--force-confold",
)  # fmt: skip
_ENVIRONMENT = (("DEBIAN_FRONTEND", "noninteractive"),)


def repairs(following: Iterable[Step]) -> Iterator[Step]:
    """
    Yield what ends whatever an interrupted apt or dpkg left in the middle.

    :param following: the steps after it; one that installs may bring what cannot be repaired, or
        put another version in the place of what does not build
    """
    left_to_others = (100,) if any(installs(step) for step in following) else ()
    yield Step(
        name="dpkg-configure",
        words=("dpkg", "--force-confdef", "--force-confold", "--configure", "-a"),
        # What lacks packages that were never unpacked stays behind; the next step brings them.
        codes=(0, 1),
        environment=_ENVIRONMENT,
        timeout_s=_HOUR_S,
    )
    yield Step(
        name="apt-repair",
        words=("apt-get", "--fix-broken", "install", *_QUIET),
        codes=(0, *left_to_others),
        environment=_ENVIRONMENT,
        timeout_s=_HOUR_S,
    )


def install(
    name: str,
    wanted: Iterable[str],
    *,
    pinned: tuple[tuple[str, str], ...] = (),
    stops: bool = False,
    always_reboot: bool = False,
) -> Step:
    """Return the step that installs packages, each as ``name`` or ``name=version*``."""
    options = ("--no-install-recommends", "--allow-downgrades", "--allow-change-held-packages")
    return Step(
        name=name,
        words=("apt-get", "install", *_QUIET, *options, *wanted),
        environment=_ENVIRONMENT,
        writes=pinned,
        stops=stops,
        always_reboot=always_reboot,
        timeout_s=_HOUR_S,
    )


def downloaded(step: Step) -> Step:
    """
    Return the step that brings what another will install: a version that is not there, a lock
    that another apt holds, a slow mirror are met before anything is stopped.
    """
    words = (*step.words[:2], "--download-only", *step.words[2:])
    return replace(
        step, name=f"{step.name}-download", words=words, stops=False, always_reboot=False
    )


def pin(name: str, packages: str, version: str) -> tuple[str, str]:
    """
    Return the file by which apt wants packages at one version, and goes back to it.

    Without it apt takes the newest of what the named packages need, which fits them not.
    """
    text = f"Package: {packages}\nPin: version {version}*\nPin-Priority: 1001\n"
    return f"{places.PREFERENCES}{name}", text


def hold(name: str, packages: Iterable[str]) -> Step:
    """Return the step that keeps packages at the version they have."""
    return Step(name=name, words=("apt-mark", "hold", *packages), timeout_s=120)


def installs(step: Step) -> bool:
    """Say whether a step installs packages."""
    return step.words[:2] == ("apt-get", "install")


def updated(steps: Iterable[Step]) -> Iterator[Step]:
    """Yield the same steps, and before the first that installs, what reads the lists anew."""
    read = False
    for step in steps:
        if installs(step) and not read:
            yield Step(
                name="apt-update",
                words=("apt-get", "update", "-o", "DPkg::Lock::Timeout=600"),
                environment=_ENVIRONMENT,
                timeout_s=600,
            )
            read = True
        yield step
