"""MindIE's package on a host: installed, its settings taken over, its files open to servers."""

import re
from collections.abc import Iterator

from roles import paths, templates
from roles.ascend import layout
from roles.ascend.seen import Seen
from roles.hostside import places
from roles.platform import Step
from roles.spec import HostSpec, Installer

# It installs with pip, into whatever Python it finds, and for root alone. Its settings as it brings
# them tell later which were made by hand; an older MindIE's are to come.
_INSTALL = """\
rm -rf "$PIP_TARGET" && mkdir -p "$PIP_TARGET" || exit
bash "$0" --install --quiet || exit
chmod -R a+rX "$PIP_TARGET" || exit
[ ! -f "$1" ] || install -D -m 644 "$1" "$2" || exit
[ -z "$4" ] || echo "$4" > "$3"
"""


def words(installer: Installer, seen: Seen) -> tuple[str, ...]:
    """Return the command that installs it, in the environment of its toolkit."""
    version = installer.about.version
    kept = (places.shipped_settings(version), places.settings_from(version))
    older = seen.older_mindie(installer) or ""
    return ("bash", "-c", _INSTALL, "{file}", layout.mindie_settings(version), *kept, older)


def environment(installer: Installer) -> tuple[tuple[str, str], ...]:
    """Return what that command has to have set."""
    return (("PIP_TARGET", places.mindie_packages(installer.about.version)),)


def settings(installer: Installer, older: str | None, spec: HostSpec) -> Iterator[Step]:
    """Settings of an older MindIE that somebody made by hand come to a newer one's, once."""
    if older is None:
        return
    version = installer.about.version
    files = (layout.mindie_settings(older), layout.mindie_settings(version))
    yield Step(
        name=f"mindie-settings-{version}",
        words=(spec.python, paths.script("mindie_upgrade"), older, version, *files),
        tells=(rf"MindIE {re.escape(version)} ",),
        timeout_s=60,
    )


def modes(installer: Installer, seen: Seen) -> Step:
    """
    Who may read MindIE. The vendor's modes let its owner's group read it, and owner and group are
    root's: it becomes the group of the driver's users, of which a server's unit has to be.
    """
    version = installer.about.version
    script = templates.render("ascend/mindie-modes.sh.j2")
    words = ("sh", "-c", script, layout.mindie(version), seen.group)
    return Step(name=f"mindie-modes-{version}", words=words, timeout_s=300)
