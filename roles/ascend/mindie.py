"""MindIE's package on a host: installed, its settings taken over, its files open to servers."""

import re
from collections.abc import Iterator

from roles import paths, templates
from roles.ascend import layout
from roles.ascend.seen import Seen
from roles.hostside import places
from roles.platform import Step
from roles.spec import HostSpec, Installer

# It installs with pip, for whatever Python is python3, and for root alone: that has to be the
# stack's, which runs what comes of it. Its settings as it brings them tell later which were made by
# hand; an older MindIE's are to come.
_INSTALL = """\
python=$(command -v "$1") || { echo "this host has no $1, which the stack's lock is for"; exit 1; }
shown=$(mktemp -d) && trap 'rm -rf "$shown"' EXIT && ln -s "$python" "$shown/python3" || exit
rm -rf "$PIP_TARGET" && mkdir -p "$PIP_TARGET" || exit
PATH="$shown:$PATH" bash "$0" --install --quiet || exit
chmod -R a+rX "$PIP_TARGET" || exit
[ ! -f "$2" ] || install -D -m 644 "$2" "$3" || exit
[ -z "$5" ] || echo "$5" > "$4"
"""


def words(installer: Installer, seen: Seen, *, python: str) -> tuple[str, ...]:
    """
    Return the command that installs it, in the environment of its toolkit.

    :param python: the stack's minor version
    """
    version = installer.about.version
    kept = (places.shipped_settings(version), places.settings_from(version))
    older = seen.older_mindie(installer) or ""
    files = (layout.mindie_settings(version), *kept)
    return ("bash", "-c", _INSTALL, "{file}", f"python{python}", *files, older)


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
