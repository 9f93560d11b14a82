"""The tools that do the job: how each is started, and what it said that it did to each host."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from importlib import metadata
from pathlib import Path
from tempfile import mkdtemp

from bench import venvs
from bench.converge.gauge import Measured
from bench.converge.site import Site
from roles.lab import LabError, places
from roles.lab.command import attempt

HERE = Path(__file__).parent
# Each connection is a new one, and all of them are there at once.
_EACH = """
pids=
for name in "$@"; do {} & pids="$pids $!"; done
for pid in $pids; do wait $pid || exit 1; done
"""
_TRUE = _EACH.format('ssh -F ssh.conf -n "$name" true')
_SCRIPT = _EACH.format('ssh -F ssh.conf "$name" sh <"scripts/$name"')
FLOOR = "ssh-true"

Changed = dict[str, int]


class Run(StrEnum):
    """Over hosts that are as they should be; without the job; the same until an engine serves."""

    NO_CHANGE = "no-change"
    FIRST = "first"
    SERVING = "serving"


class WrongRunError(LabError):
    """A run that did not do what it had to; the message has all that it said."""


@dataclass(frozen=True)
class Command:
    """How a tool is started."""

    words: list[str]
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Tool:
    """
    A tool.

    :param command: how it is started on a site for a run
    :param read: how much it says that it changed on each host; ``None`` when it does nothing
    :param runs: what it can be measured in
    """

    name: str
    version: str
    command: Callable[[Site, Run], Command]
    read: Callable[[Measured], Changed] | None
    runs: tuple[Run, ...] = (Run.NO_CHANGE, Run.FIRST)


def refuse_wrong(tool: Tool, run: Run, names: list[str], done: Measured) -> None:
    """Refuse the figures of a run that failed, or in which a host is not what it should be."""
    said = f"{done.out}{done.err}"
    if done.code:
        raise WrongRunError(f"{tool.name}, {run}: exit code {done.code}:\n{said}")
    if tool.read is None:
        return
    changed = tool.read(done)
    if sorted(changed) != sorted(names):
        raise WrongRunError(
            f"{tool.name}, {run}: told of {sorted(changed)}, {names} are right:\n{said}"
        )
    wrong = {name: count for name, count in changed.items() if (count == 0) is not _still(run)}
    if wrong:
        right = "0 is right" if _still(run) else "more is right"
        raise WrongRunError(f"{tool.name}, {run}: changed {wrong}, {right}:\n{said}")


def _still(run: Run) -> bool:
    return run is Run.NO_CHANGE


def known() -> dict[str, Tool]:
    """Return the tools by name, the floor first."""
    ssh = attempt("ssh", "-V").stderr.split(",")[0].strip()
    pyinfra = f"pyinfra=={metadata.version('pyinfra')}"
    tools = (
        Tool(FLOOR, ssh, _true, None, tuple(Run)),
        Tool("metalserve", pyinfra, _ours, pyinfra_changed, tuple(Run)),
        Tool("ssh-script", ssh, _script, script_changed),
        Tool("pyinfra", pyinfra, _plain, pyinfra_changed),
        Tool("mitogen", f"{venvs.ANSIBLE} {venvs.MITOGEN}", _mitogen, ansible_changed),
        Tool("ansible", venvs.ANSIBLE, _ansible, ansible_changed),
    )
    return {tool.name: tool for tool in tools}


def pyinfra_changed(done: Measured) -> Changed:
    """Return how many operations changed something, by host; a check is told as a change."""
    results = json.loads(done.out)["results"]
    changed: Changed = {}
    for operation in results["operations"]:
        counts = operation["name"] != "Check"
        for name in (*operation["success"], *operation["no_change"]):
            changed.setdefault(name, 0)
            changed[name] += counts and name in operation["success"]
    return {name: count for name, count in changed.items() if name not in results["failed_hosts"]}


def script_changed(done: Measured) -> Changed:
    """Return how much a script changed, by host."""
    found = re.findall(r"^(\S+) changed=(\d+)$", done.out, re.MULTILINE)
    return {name: int(count) for name, count in found}


def ansible_changed(done: Measured) -> Changed:
    """Return how many tasks changed something, by host that was reached and had no failure."""
    rows = re.findall(r"^(\S+)\s+: (ok=\d+ .*)$", done.out, re.MULTILINE)
    counts = {name: dict(re.findall(r"(\w+)=(\d+)", told)) for name, told in rows}
    return {
        name: int(told["changed"])
        for name, told in counts.items()
        if told["unreachable"] == told["failed"] == "0"
    }


def _true(site: Site, run: Run) -> Command:
    return Command(["sh", "-c", _TRUE, "sh", *site.jobs], site.folder)


def _script(site: Site, run: Run) -> Command:
    return Command(["sh", "-c", _SCRIPT, "sh", *site.jobs], site.folder)


def _ours(site: Site, run: Run) -> Command:
    """
    The whole of a converge, and of the first one what does the job: it ends before the engine
    starts.
    """
    deploys = ["prepare", "stage"] if run is Run.FIRST else ["main"]
    files = [f"deploy/{name}.py" for name in deploys]
    reports = ["--data", f"reports={site.folder}/reports"]
    words = [venvs.pyinfra(), "-y", "--json", *reports, f"{site.folder}/ours.py", *files]
    return Command(words, places.REPOSITORY)


def _plain(site: Site, run: Run) -> Command:
    # Not where our own config.py is.
    words = [venvs.pyinfra(), "-y", "--json", "plain.py", str(HERE / "plain.py")]
    return Command(words, site.folder)


def _ansible(site: Site, run: Run) -> Command:
    return _playbook(site, venvs.ansible(), {})


def _mitogen(site: Site, run: Run) -> Command:
    folder = venvs.mitogen()
    return _playbook(
        site,
        folder,
        {
            "ANSIBLE_STRATEGY": "mitogen_linear",
            "ANSIBLE_STRATEGY_PLUGINS": str(venvs.strategies(folder)),
        },
    )


def _playbook(site: Site, folder: Path, more: Mapping[str, str]) -> Command:
    words = [
        str(folder / "bin/ansible-playbook"),
        "--inventory=ansible.json",
        f"--forks={len(site.jobs)}",
        str(HERE / "playbook.yml"),
    ]
    environment = {
        "ANSIBLE_CONFIG": str(HERE / "ansible.cfg"),
        "ANSIBLE_HOME": str(site.folder / "ansible"),
        "ANSIBLE_NOCOLOR": "1",
        # No run finds the connections of another.
        "ANSIBLE_SSH_CONTROL_PATH_DIR": mkdtemp(dir=site.folder),
        "ANSIBLE_SSH_ARGS": "-F ssh.conf -o ControlMaster=auto -o ControlPersist=60s",
        "LC_ALL": "C.UTF-8",
        **more,
    }
    return Command(words, site.folder, environment)
