"""One host brought to its platform: steps, reboot, look again, until nothing is left to do."""

import json
import time
from contextlib import nullcontext
from typing import Any

from paramiko import SSHException
from pyinfra.api import Host, QuoteString, State, StringCommand
from pyinfra.api.output import echo

from roles import control, job, probe
from roles.hostside import places
from roles.platform import files, line, plan, waves
from roles.platform.plan import Found, Need
from roles.platform.step import PlatformError
from roles.spec import HostSpec

# A server of eight accelerators takes minutes to come through its firmware.
_BACK_WITHIN_S = 1200
_LOOK_EVERY_S = 5
_ROUNDS = 6


def converge(state: State, host: Host, *, spec: HostSpec, **arguments: Any) -> bool:
    """Do all of it; say what came of it, and return whether the host is as wanted."""
    found = probe.of(host)
    serving, work = plan.serving(found), _Converging(state, host, spec, arguments)
    try:
        need = plan.needed(spec, found)
        work.refuse_unallowed(need, found)
        with waves.turn(state, host) if serving and need.disturbs else nullcontext():
            work.run(found, serving)
    except PlatformError as refused:
        echo(f"{host.print_prefix}{refused}", err=True)
        return False
    return True


class _Converging:
    """The rounds of one host."""

    def __init__(self, state: State, host: Host, spec: HostSpec, arguments: dict[str, Any]) -> None:
        self.state, self.host, self.spec, self.arguments = state, host, spec, arguments
        allowed = host.data.get("reboot")
        self.done: list[Need] = []
        self.may_reboot = spec.may_reboot or allowed in (True, "yes", "true")

    def run(self, before: Found, serving: tuple[str, ...]) -> None:
        """Go round until nothing is left to do, and look whether all came of it."""
        found = before
        for _ in range(_ROUNDS):
            need = plan.needed(self.spec, found, serving=serving)
            if need.nothing:
                break
            if need in self.done:
                # Whatever was booted in between: once more would come to the same.
                raise PlatformError(f"this was done, and is still to do: {need.words}")
            self.refuse_unallowed(need, found)
            if control.stopping.asked():
                raise PlatformError(
                    f"stopped as you asked, before {need.words}; run again to go on from here"
                )
            self.say(f"to do: {need.words}")
            found = self.round(need, found, serving)
        else:
            raise PlatformError(f"after {_ROUNDS} rounds there is still to do: {need.words}")
        wrong = list(plan.faults(self.spec, before=before, after=found))
        if wrong:
            raise PlatformError(f"{'; '.join(wrong)}; see dmesg there")
        self.say(plan.ready_words(self.spec, found))

    def refuse_unallowed(self, need: Need, found: Found) -> None:
        """Begin nothing that leaves instances without their driver until somebody reboots."""
        if self.may_reboot:
            return
        allow = "allow it with may_reboot=True in the inventory, or once with --data reboot=yes"
        if need.reboot:
            raise PlatformError(
                f"{need.reboot}; the host waits for a reboot, which is not allowed; {allow}, or "
                "reboot it yourself and run again"
            )
        names = [step.name for step in need.steps if step.always_reboot]
        serving = plan.serving(found)
        if names and serving:
            raise PlatformError(
                f"{', '.join(names)} takes a reboot, which is not allowed, and "
                f"{', '.join(serving)} serves here; nothing was changed; {allow}"
            )

    def round(self, need: Need, found: Found, serving: tuple[str, ...]) -> Found:
        """Run one job to its end, through the reboot that it may end with; look again."""
        given = self.at_work() if need.at_work else None
        if given is None:
            files.bring(self.host, self.spec, need.steps, found, **self.arguments)
            given = self.given(need, found, serving)
        (command,) = job.commands(plan.JOB, script="steps", python=self.spec.python, plan=given)
        done = command.execute(self.state, self.host, {})
        after = self.settled(found["system"]["boot_id"])
        if done:
            self.done.append(need)
            return after
        if after["system"]["boot_id"] == found["system"]["boot_id"] and not plan.at_work(after):
            raise PlatformError(
                f"{plan.described(self.spec)} is not ready; why is said above"
                + plan.state(after, serving)
            )
        self.say("the host was cut off or went down in the middle; going on from there")
        return after

    def given(self, need: Need, found: Found, serving: tuple[str, ...]) -> dict[str, Any]:
        """Return the plan of the job."""
        paths = [
            files.path(self.spec, step.installer) if step.installer else None for step in need.steps
        ]
        return {
            "name": plan.described(self.spec),
            "steps": [
                step.to_json(path=path) for step, path in zip(need.steps, paths, strict=True)
            ],
            "drain_within_s": plan.drains(self.spec, found),
            "serving": list(serving),
            "may_reboot": self.may_reboot,
        }

    def at_work(self) -> Any:
        """Return the plan that an earlier run's job is at work with, to attach to it."""
        return self.read(f"{places.job(plan.JOB)}/plan.json")

    def reboots(self) -> bool:
        """Say whether the last job ended with a reboot."""
        result = self.read(f"{places.job(plan.JOB)}/result.json") or {}
        return bool(result.get("reboots"))

    def read(self, file: str) -> Any:
        """Return what a file of the host holds, ``None`` when that cannot be had."""
        command = StringCommand("cat", QuoteString(file))
        try:
            done, output = self.host.run_shell_command(command, **self.arguments)
        except (OSError, EOFError, SSHException):
            return None
        return json.loads(output.stdout) if done else None

    def settled(self, boot: str) -> Found:
        """
        Ask until the host answers; from another boot than ``boot`` if it went into a reboot.

        :raises PlatformError: it did not come back in time
        """
        deadline, found = time.monotonic() + _BACK_WITHIN_S, None
        while time.monotonic() < deadline:
            found = probe.renew(self.host) if line.up(self.host) else None
            if found and found["system"] and found["platform"]:
                if found["system"]["boot_id"] != boot:
                    return self.booted(found)
                if not (plan.pending(found) and self.reboots()):
                    return found
            time.sleep(_LOOK_EVERY_S)
        state = "still answers from the boot before" if found else "does not answer"
        raise PlatformError(
            f"it did not come back within {_BACK_WITHIN_S // 60} min: it {state}; every step "
            "before the reboot was done; look at its console, then run again"
        )

    def booted(self, found: Found) -> Found:
        """Wait until everything that starts at boot has started or failed; look again."""
        abouts = [one["about"] for one in (found["instances"] or {}).values() if one["about"]]
        within_s = 120 + max((int(about["ready_within_s"]) for about in abouts), default=0)
        self.say("it is back, waiting for everything to start")
        wait = StringCommand(
            "timeout", str(within_s), "systemctl", "is-system-running", "--wait", "||", "true"
        )
        try:
            self.host.run_shell_command(wait, **self.arguments)
        except (OSError, EOFError, SSHException):
            self.say("connection lost while it starts")
        return self.settled(found["system"]["boot_id"])

    def say(self, words: str) -> None:
        """Tell the operator."""
        echo(f"{self.host.print_prefix}{words}", err=True)
