"""
Bring a driver or a toolkit onto this host, a step after the other, whoever still watches.

The plan of the job: ``{"name", "steps": [what roles/platform/step.py says, with the "path" of its
installer], "drain_within_s": {instance: s}, "may_reboot"}``. Each step leaves a marker before its
command runs, which goes when it succeeded: one that is left over says what was cut short. Who
plans reads them, and plans such a step again. Once every step has succeeded and no reboot is to
come, no marker means anything any more. The last act is the reboot, when one is needed and allowed.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import sys
from typing import Any, List

import boot
import durable
import installer
import jobs
import places
import progress
from pause import Pause


class Steps:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.plan, self.say = plan, say
        self.pause = Pause(plan["drain_within_s"], plan["serving"], say.say)
        self.done = 0
        self.told: List[str] = []

    def run(self) -> Any:
        """Do every step; return the job's result, with the state that the host is in."""
        steps = self.plan["steps"]
        try:
            # Before anything is stopped or begun; each is looked at again before it is run.
            for known in [step["installer"] for step in steps if step["installer"]]:
                installer.look(known, self.say)
            for step in steps:
                self.step(step)
            if boot.pending() and self.plan["may_reboot"]:
                return self.reboot()
            if not boot.pending():
                self.forget()
        except (jobs.JobError, OSError) as error:
            return self.over(str(error))
        return self.over("")

    def reboot(self) -> Any:
        """Stop what serves and reboot; the result is heard before the host goes down."""
        self.pause.begin()
        why = boot.pending()
        refused = boot.end()
        if refused:
            return self.over("systemd does not reboot: " + refused)
        summary = "{}; rebooting now: {}".format(self.count, why)
        summary = "\n  ".join([summary, *self.told])
        return {"ok": True, "summary": summary, "reboots": True}

    def over(self, wrong: str) -> Any:
        """Let serve what served, and return the result."""
        serving = self.pause.end()
        state = [self.count]
        for name, why in serving.items():
            state.append("{} DOES NOT START: {}".format(name, why) if why else name + " serves")
        if boot.pending():
            state.append("a reboot is needed: {}".format(boot.pending()))
        summary = "\n  ".join(["; ".join(state), *self.told])
        if wrong:
            summary = "{} is not ready: {}\nstate: {}".format(self.plan["name"], wrong, summary)
        return {"ok": not wrong and not any(serving.values()), "summary": summary}

    @property
    def count(self) -> str:
        """How far it came."""
        return "{} of {} steps done".format(self.done, len(self.plan["steps"]))

    def step(self, step: Any) -> None:
        """Do one step, and leave its marker when it does not come to its end."""
        if step["stops"]:
            self.pause.begin()
        began = {"at": durable.now(), "boot_id": boot.boot_id(), "words": step["words"]}
        durable.write_json(places.began(step["name"]), began)
        self.say.say(step["name"])
        said = installer.run(step, self.say)
        # Before the marker goes, so that no power loss in between can hide it.
        if step["always_reboot"] or installer.says(step["reboot"], said):
            boot.need("{} takes effect with a reboot".format(step["name"]))
        for line in said.splitlines():
            if installer.says(step["tells"], line):
                self.told.append(line)
        os.unlink(places.began(step["name"]))
        durable.sync_folder(os.path.dirname(places.began("")))
        self.done += 1

    def forget(self) -> None:
        """Take away the markers of steps that others came in the place of."""
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(os.path.dirname(places.began("")))


def main() -> None:
    """See the top of the file."""
    folder = sys.argv[1]
    result = Steps(durable.read_json(folder + "/plan.json"), progress.Progress(folder)).run()
    print(result["summary"], flush=True)
    jobs.finish(folder, result)


if __name__ == "__main__":
    main()
