"""What one injection came to, and whether that is what had to come of it."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass, field

from roles.lab import LabError
from tests.lab.faults.ground import Ground
from tests.lab.faults.injection import AT_ONCE, Injection, Kind
from tests.lab.faults.trial import Trial, TrialError
from tests.lab.site import Site


@dataclass
class Row:
    """As it is shown, and kept as JSON."""

    name: str
    served: str = ""
    code: int | None = None
    left: list[str] = field(default_factory=list)
    again: str = ""
    faults: list[str] = field(default_factory=list)
    seconds: float = 0
    made: str = ""


def perform(injection: Injection, site: Site, ground: Ground) -> Row:
    """Do it on the hosts of a site, look, run again, and look again."""
    row, trial, began = Row(injection.name), Trial(injection, site), time.monotonic()
    try:
        try:
            trial.settle(ground.known)
        except TrialError:
            # What was before did not come to its end.
            ground.restore(site)
            trial.settle(ground.known)
        injection.does(trial)
        row.code = trial.code
        if injection.then:
            injection.then(trial)
        _look(row, trial)
        _again(row, trial, ground)
    except (
        TrialError, LabError, OSError, AssertionError, ValueError, subprocess.TimeoutExpired
    ) as error:  # fmt: skip
        row.faults.append(f"{type(error).__name__}: {error}")
    finally:
        trial.abandon()
    row.seconds = round(time.monotonic() - began, 1)
    if row.faults:
        row.faults.append(trial.said)
    return row


def _look(row: Row, trial: Trial) -> None:
    injection, seen = trial.injection, trial.seen()
    told = {host.name: trial.served(host, seen[host.name]) for host in trial.hosts}
    wanted = {
        host.name: injection.served if host in trial.hit else injection.other
        for host in trial.hosts
    }
    if injection.each:
        wanted = dict(zip(wanted, injection.each, strict=True))
        row.served = "; ".join(told.values())
    else:
        hit, *others = dict.fromkeys(told.values()) if not injection.other else told.values()
        row.served = "; the other: ".join([hit, *others])
    row.left = sorted({what for found in seen.values() for what in found["left"]})
    if told != wanted:
        row.faults.append(f"serves {told}, wanted {wanted}")
    if row.code != injection.code:
        row.faults.append(f"the run ended with {row.code}, wanted {injection.code}")
    if row.left != sorted(injection.left):
        row.faults.append(f"left {row.left}, wanted {sorted(injection.left)}")
    row.faults += [f"nobody said {words!r}" for words in injection.says if words not in trial.said]


def _again(row: Row, trial: Trial, ground: Ground) -> None:
    """Run again, for the same release unless that one is at fault itself."""
    injection = trial.injection
    trial.site.fleet = AT_ONCE
    if injection.blamed:
        trial.want(good=True)
    elif injection.kind is not Kind.ROLLBACK:
        trial.write()
    done = trial.site.run("main", within_s=1800)
    seen = trial.seen()
    ground.known |= seen
    told = {host.name: trial.served(host, seen[host.name]) for host in trial.hosts}
    left = sorted({what for found in seen.values() for what in found["left"]})
    row.again = "; ".join(dict.fromkeys(told.values()))
    if done.code or set(told.values()) != {"new"} or left:
        row.faults.append(f"running again: {done.code}, {told}, left {left}: {done.said}")
    elif injection.blamed or injection.kind is Kind.ROLLBACK:
        row.again = "another"
    row.faults += [
        f"{host.name} is not in rotation after running again"
        for host in trial.hosts
        if not ground.in_rotation(host)
    ]
    if injection.alone and (wrong := ground.fleet.target.wrong(stream=True)):
        row.faults.append(f"asked through the gateway: {wrong}")
