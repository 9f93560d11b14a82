"""
Take everything of ours off this host, or one part of it.

``decommission.py JOB`` is the job: ``{"name", "instance": one to go alone or null, "part": "agent",
"gateway" or null, "drains": {instance: seconds}, "longest_s": of any other, "weights_root",
"erase": [of "weights" and "audit" what goes, too], "who"}``. Of a whole host our scripts, the job
and the deploy lock are needed to the end: ``decommission.py finish PLAN``, whose plan has ``"run"``
too, deletes them. ``decommission.py list PLAN`` prints what there is, as JSON: ``{"things": [[kind,
name]], "stays": [line], "fault": why that cannot be told}``.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import sys
from typing import Any, List

import audit
import durable
import jobs
import lock
import parting
import places
import progress
import remains
import removal
import rotation
import service
import transaction
import units

JOB = "decommission"


def work(plan: Any, say: progress.Progress) -> str:
    """Do all that may take long; return what was done."""
    others = [job for job in units.jobs() if job != JOB]
    if others:
        raise jobs.JobError(
            "the job {0} is at work; nothing was changed; wait for it (journalctl -fu {1}) and run "
            "again".format(others[0], jobs.unit(others[0]))
        )
    stopped = _stop_instances(plan, say)
    _stop_others(plan)
    if not plan["instance"] and not plan["part"]:
        removal.disown(plan["weights_root"], remains.users(), [places.GROUP])
    elif plan["instance"]:
        removal.disown(plan["weights_root"], [places.user(plan["instance"])], [])
    things = _things(plan)
    failed = removal.delete(things, say.say)
    if "audit" not in plan["erase"]:
        with contextlib.suppress(OSError):
            result = "; ".join(failed) or "deleted"
            audit.note(plan["who"], "decommission {}".format(_what(plan)), result)
    if failed:
        raise jobs.JobError("\n  ".join(["what could not be deleted is still there:", *failed]))
    done = "{} things deleted".format(len(things))
    return "{}: {}".format(_what(plan), "; ".join([*stopped, done]))


def finish(plan: Any) -> List[str]:
    """
    Delete what was needed to the end, the deploy lock last; return what stays.

    :raises OSError: something could not be deleted, or somebody else is at work here
    """
    if (lock.owner() or {"run": None})["run"] != plan["run"]:
        raise OSError("this run has not the deploy lock")
    kept = [places.lock(), places.lock_guard()]
    failed = removal.delete(remains.find(plan, kept), lambda _: None)
    if failed:
        raise OSError("\n  ".join(["what could not be deleted is still there:", *failed]))
    for path in kept:
        durable.remove_all(path)
    # It stays where it is a link or a file system of its own.
    with contextlib.suppress(OSError):
        os.rmdir(places.STATE)
    return remains.stays(plan)


def _stop_instances(plan: Any, say: progress.Progress) -> List[str]:
    """Let nobody send requests, wait for those in flight, and start nothing at the next boot."""
    running = {units.instance(unit): unit for unit in units.running()}
    if plan["instance"]:
        running = {name: unit for name, unit in running.items() if name == plan["instance"]}
    if plan["part"]:
        running = {}
    for name in running:
        rotation.keep_out(name, "it is decommissioned")
    if running:
        rotation.wait(say.say)
    for name, unit in sorted(running.items()):
        current = transaction.current(name)
        if service.active(unit) and current:
            within_s = plan["drains"].get(name, plan["longest_s"])
            described = transaction.described(name, current)
            parting.let_end(name, unit, described, "it is decommissioned", within_s, say.say)
        say.say("stopping {}".format(name))
        for link in glob.glob("{}/*.wants/{}".format(places.UNITS, unit)):
            durable.link(link, None)
        service.stop(unit)
    return ["{} drained and stopped".format(", ".join(sorted(running)))] if running else []


def _stop_others(plan: Any) -> None:
    if plan["instance"]:
        return
    names = {os.path.basename(path) for path in remains.unit_files() if "@" not in path}
    wanted = {"agent": remains.AGENT, "gateway": (places.GATEWAY_UNIT,)}.get(plan["part"])
    # A socket would start its service again.
    for name in sorted(names, key=lambda name: (not name.endswith(".socket"), name)):
        if name.endswith((".socket", ".service")) and (wanted is None or name in wanted):
            service.stop(name)


def _things(plan: Any) -> List[remains.Thing]:
    if plan["instance"]:
        return remains.of_instance(plan["instance"])
    if plan["part"] == "agent":
        return remains.of_agent()
    if plan["part"] == "gateway":
        return remains.of_gateway()
    scripts = places.ROOT + "/hostside"
    needed = [places.lock(), places.lock_guard(), places.job(JOB)]
    return remains.find(plan, [*needed, scripts, os.path.realpath(scripts)])


def _what(plan: Any) -> str:
    return str(plan["instance"] or plan["part"] or "this host")


def _listed(plan: Any) -> Any:
    part = plan["instance"] or plan["part"]
    things = _things(plan) if part else remains.find(plan)
    return {"things": things, "stays": [] if part else remains.stays(plan), "fault": None}


def main() -> None:
    """See the top of the file."""
    if len(sys.argv) == 2:
        jobs.perform(work, otherwise="is not decommissioned")
        return
    verb, plan = sys.argv[1], json.loads(sys.argv[2])
    try:
        if verb == "list":
            print(json.dumps(_listed(plan)))
            return
        left = finish(plan)
    except OSError as error:
        if verb == "list":
            print(json.dumps({"things": [], "stays": [], "fault": str(error)}))
            return
        raise SystemExit("{} is not decommissioned: {}".format(plan["name"], error)) from error
    print("nothing of ours is left" + (", but for what stays:" if left else ""))
    for line in left:
        print(line)


if __name__ == "__main__":
    main()
