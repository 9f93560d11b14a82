"""One injection on its way: a run of pyinfra over one or two hosts, and what is done to them."""

from __future__ import annotations

import itertools
import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from roles.lab import LabHost
from roles.lab.command import wait
from tests.lab.faults.injection import Injection, Kind
from tests.lab.site import Site

PLACE = "root/faults"
CLOCK = "etc/fault-clock"
JOB = "metalserve-job-activate-chat"
UNIT = "metalserve-vllm@chat"
_LOOK = f"python3 /{PLACE}/fault_look.py"
_UNSERVE = (
    f"systemctl disable --quiet --now {UNIT}; rm -rf /opt/metalserve/instances/chat"
    " /var/lib/metalserve/transactions/chat.json && systemctl daemon-reload"
)
# Other ones than those of a run before, whose lab this one may go on with.
_seeds = itertools.count(int(time.time()))
# The same under a name that no host has seen.
_OTHERS = {
    "stack": "{stack}.model_copy(update={{'name': 'standin-0.32-{seed}'}})",
    "weights": "canary.WEIGHTS.model_copy(update={{'name': 'canary-{seed}'}})",
}


class TrialError(Exception):
    """A trial did not come to what it was to show; the message says where it was."""


class Trial:
    """
    The verbs that injections are told in; what is done to hosts is done to those that are hit.

    :param site: of as many hosts as the injection asks for
    """

    def __init__(self, injection: Injection, site: Site) -> None:
        self.injection, self.site, self.hosts = injection, site, site.hosts
        self.hit = site.hosts[:1] if injection.other else site.hosts
        if injection.which:
            self.hit = [site.hosts[place] for place in injection.which]
        self.old: dict[str, str] = {}
        self.new: dict[str, str] = {}
        self.code: int | None = None
        self.said = ""
        self._run: Any = None
        self.wanted = ""

    def each(self, act: Callable[[LabHost], Any], hosts: list[LabHost] | None = None) -> list[Any]:
        """Do something on every host that is hit, at the same time."""
        with ThreadPoolExecutor() as pool:
            return list(pool.map(act, hosts or self.hit))

    def on(self, command: str) -> list[str]:
        """Run a command on every host that is hit; it has to succeed."""

        def run(host: LabHost) -> str:
            done = host.run(command, timeout_s=300)
            if done.returncode:
                raise TrialError(f"{host.name}: {command}: {done.stderr or done.stdout}")
            return done.stdout

        return [str(said) for said in self.each(run)]

    def settle(self, known: dict[str, dict[str, Any]]) -> None:
        """Find out what serves, unless that is known, and say what shall."""
        self.site.fleet = self.injection.fleet
        for host in self.hosts:
            (host.disk.root / CLOCK).unlink(missing_ok=True)
        names = [host.name for host in self.hosts]
        seen = {name: known[name] for name in names} if known.keys() >= set(names) else self.seen()
        for host in self.hosts:
            found = seen[host.name]
            if not found["running"] or found["wrong"] or found["left"]:
                raise TrialError(f"{host.name} was not right before: {found}")
        self.old = {name: found["running"] for name, found in seen.items()}
        if self.injection.kind is Kind.FIRST:
            self.on(_UNSERVE)
            self.old = dict.fromkeys(self.old, "")
        if self.injection.kind is Kind.ROLLBACK:
            if not all(found["previous"] for found in seen.values()):
                raise TrialError(f"there is nothing to go back to: {seen}")
            self.new = {name: found["previous"] for name, found in seen.items()}
        else:
            self.want()

    def want(self, *, good: bool = False) -> None:
        """Have the inventory want a release that never was, the injection's or a good one."""
        seed = str(next(_seeds))
        words = ["--seed", seed]
        changed = {} if good else self.injection.changed
        if self.injection.wish and not good:
            words += ["--hf-overrides", json.dumps({"standin": dict(self.injection.wish)})]
        given = "".join(f", {name}={value!r}" for name, value in changed.items())
        if what := self.injection.brings:
            given += f", {what}={_OTHERS[what].format(stack=self.site.stack, seed=seed)}"
        self.wanted = f"(_instance(**_shared, extra={tuple(words)!r}{given}),)"
        self.write()
        self.new = {host.name: seed for host in self.hosts}

    def write(self) -> None:
        """Have the inventory say what is wanted."""
        self.site.want(*[self.wanted] * len(self.hosts))

    def start(self, deploy: str = "", *words: str, anew: bool = False) -> None:
        """
        Start the run; hosts that are hit will stand still where the injection is done.

        :param anew: a process of pyinfra's own from its first line on
        """
        for host in self.hit:
            for name in ("wish", "at", "go"):
                self.file(host, name).unlink(missing_ok=True)
            if self.injection.at:
                self.file(host, "wish").write_text(self.injection.at)
        is_back = self.injection.kind is Kind.ROLLBACK
        name = deploy or ("rollback" if is_back else "main")
        start = Site.start if anew else type(self.site).start
        self._run = start(self.site, name, *words)

    def reached(self) -> None:
        """Wait until every host that is hit stands still."""
        for host in self.hit:
            at = self.file(host, "at")
            if not wait(lambda at=at: at.exists() or self.ended, within_s=300):  # type: ignore[misc]
                raise TrialError(f"{host.name} never came to {self.injection.at!r}")
            if not at.exists():
                self.end()
                raise TrialError(f"the run ended before {self.injection.at!r}: {self.said}")

    def go(self) -> None:
        """Let hosts go on."""
        for host in self.hit:
            self.file(host, "go").touch()

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return self._run is None or self._run.poll() is not None

    def end(self, within_s: float = 600) -> None:
        """Wait for the end of the run."""
        assert self._run is not None
        out, err = self._run.communicate(timeout=within_s)
        self.code, self.said = self._run.returncode, out + err

    def again(self) -> None:
        """Run again while jobs stand still, and let these go on once it follows each."""
        code, said = self.code, self.said
        run: Any = self.site.start("main")
        self._run = run

        def follows() -> bool:
            return bool(run.said.count("attached to ") == len(self.hit)) or self.ended

        if not wait(follows, within_s=120) or self.ended:
            raise TrialError("the run after it does not follow what is at work")
        self.go()
        self.end()
        if self.code:
            raise TrialError(f"the run after it ended with {self.code}: {self.said}")
        self.code, self.said = code, said + self.said

    def tell(self, sort: signal.Signals) -> None:
        """Signal the run, every process of it, and wait for nothing."""
        os.killpg(self._run.pid, sort)

    def kill(self, sort: signal.Signals) -> None:
        """Signal the run, every process of it."""
        self.tell(sort)
        self.end(60)
        if self.code is not None and self.code < 0:
            self.code = None

    def abandon(self) -> None:
        """Leave no run behind, however the trial ended."""
        if self._run is not None and self._run.poll() is None:
            os.killpg(self._run.pid, signal.SIGKILL)
            self._run.communicate()

    def crash(self) -> None:
        """Cut the power of all that are hit at once."""
        self.each(lambda host: host.crash())

    def boot(self) -> None:
        """Power all on that are hit, and wait until they are up."""
        self.each(lambda host: host.start())

    def jump(self, seconds: int) -> None:
        """Have the clocks of all that are hit be off by so much, from now on."""
        for host in self.hit:
            clock = host.disk.root / CLOCK
            beside = clock.with_suffix(".new")
            beside.write_text(str(seconds))
            beside.rename(clock)

    def file(self, host: LabHost, name: str) -> Path:
        """Return one of the files by which a host is made to stand still."""
        return host.disk.root / PLACE / name

    def seen(self) -> dict[str, dict[str, Any]]:
        """Look at every host."""

        def look(host: LabHost) -> dict[str, Any]:
            said = host.run(_LOOK, timeout_s=300)
            if said.returncode:
                raise TrialError(f"{host.name} could not be looked at: {said.stderr}")
            return dict(json.loads(said.stdout))

        found = self.each(look, self.hosts)
        return {host.name: seen for host, seen in zip(self.hosts, found, strict=True)}

    def served(self, host: LabHost, seen: dict[str, Any]) -> str:
        """Say in a few words which release serves on a host."""

        def which(seed: str) -> str:
            if seed == self.new[host.name]:
                return "new"
            return "old" if seed == self.old[host.name] else f"another ({seed})"

        if not seen["running"]:
            return f"nothing; {which(seen['current'])} is current" if seen["current"] else "nothing"
        said = which(seen["running"])
        if seen["current"] != seen["running"]:
            said += f", {which(seen['current']) if seen['current'] else 'nothing'} is current"
        if seen["wrong"]:
            said += f", WRONG: {'; '.join(seen['wrong'])}"
        return said
