"""The quarantine of a host."""

import json
from collections.abc import Generator

from pyinfra import host
from pyinfra.api import FunctionCommand, QuoteString, StringCommand, operation

from roles import job, lock, probe


@operation()
def quarantined_host(why: str, python: str) -> Generator[FunctionCommand, None, None]:
    """
    No instance of the host is in rotation, nor is after a reboot.

    + why: told to whoever asks
    + python: the interpreter that runs our own code
    """
    instances = probe.of(host)["instances"]
    if instances is None:
        yield job.refusal(f"what is here is not known: {probe.of(host)['faults']}")
    elif not instances:
        yield job.refusal("there is no instance here to take out of rotation")
    elif all(seen["out"] == [why] for seen in instances.values()):
        host.noop(f"{', '.join(instances)}: in quarantine already ({why})")
    else:
        yield _told("begin", python, why=why)


@operation()
def free_host(python: str) -> Generator[FunctionCommand, None, None]:
    """
    Nobody keeps an instance of the host out of rotation.

    + python: the interpreter that runs our own code
    """
    instances = probe.of(host)["instances"]
    if instances is None:
        yield job.refusal(f"what is here is not known: {probe.of(host)['faults']}")
    elif not any(seen["out"] for seen in instances.values()):
        host.noop("nothing is in quarantine here")
    else:
        yield _told("end", python)


def _told(verb: str, python: str, **told: str) -> FunctionCommand:
    # Without the deploy lock: a host that fails is not to wait for whoever is at work on it.
    given = json.dumps({**told, "who": lock.owner()["who"]})
    words = [QuoteString(python), "-", verb, QuoteString(given)]
    return job.shown(StringCommand(*words), program="quarantine")
