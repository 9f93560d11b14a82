"""What hosts need to be measured, and what was measured of their instances."""

import hashlib
import re
from pathlib import Path
from typing import Any, Literal

from pyinfra import host
from pyinfra.api import FunctionCommand, operation

from roles import engine, job, lock, paths, probe, weights
from roles.aisbench import table
from roles.hostside import places
from roles.spec import Benchmark, Engine, HostSpec, Instance

LOCK = Path(__file__).with_name("aisbench.txt")
"""What is installed, besides the host's own Python."""
# Its numpy has no wheels for newer ones.
_PYTHONS = ("3.10", "3.11", "3.12")
_DISK_GIB = 0.7
# Takes no more than 4 MiB of text, and files by their paths instead.
_BY_PATH = (Engine.MINDIE,)

Kind = Literal["accuracy", "performance"]


def python(onto: HostSpec) -> str:
    """Return a version of Python that it is for, and that the host's stacks need anyway."""
    needed = [stack.python for stack in onto.stacks]
    return next((version for version in needed if version in _PYTHONS), "3.11")


@operation()
def installed_aisbench(onto: HostSpec) -> job.Commands:
    """
    AISBench is on the host at its pinned version, in an environment of its own.

    + onto: the host
    """
    name = _name()
    if name in (probe.of(host)["stacks"] or []):
        host.noop(f"{name} is installed")
        return
    yield from lock.held()
    yield from engine.packages(
        name, LOCK.read_text(), python=_python(onto), disk_gib=_DISK_GIB, onto=onto
    )


@operation()
def measured_instance(
    instance: Instance, kind: Kind, dataset: str | None, onto: HostSpec
) -> job.Commands:
    """
    The instance was measured just now, and reaches what it has to.

    + instance: whom to measure; it serves, and is asked like any client asks it
    + kind: how right it answers (``accuracy``) or how fast (``performance``)
    + dataset: a folder on the host, instead of the one that the inventory names
    + onto: the host
    """
    wanted = instance.benchmark or Benchmark()
    if why := _unmeasurable(instance, dataset):
        yield job.refusal(f"{instance.name}: {why}")
        return
    # A deploy in the middle would be measured too.
    yield from lock.held()
    name = f"{kind}-{instance.name}"
    plan = _plan(instance, kind, dataset, wanted) | {"name": name}
    yield from job.commands(name, script="aisbench", python=onto.python, plan=plan)
    given = {
        "command": job.script("aisbench", instance.name, kind, python=onto.python, given=None),
        "instance": instance.name,
        "kind": kind,
        "wanted": wanted,
    }
    yield FunctionCommand(table.judged, (), given | job.connector_arguments(host))


def _plan(instance: Instance, kind: Kind, dataset: str | None, wanted: Benchmark) -> dict[str, Any]:
    named = wanted.questions if kind == "accuracy" else wanted.prompts
    return {
        "instance": instance.name,
        "kind": kind,
        "tool": f"{places.stacks()}/{_name()}",
        "dataset": dataset or named,
        "media": "path" if instance.stack.engine in _BY_PATH else "base64",
        # Whose members read the tokenizer, where the weights are not everybody's to read.
        "groups": [paths.GROUP] if instance.stack.engine in weights.WANTED_BY else [],
        "requests": wanted.requests,
        "at_once": wanted.at_once,
        "max_tokens": wanted.max_tokens,
        "within_s": wanted.within_s,
    }


def _unmeasurable(instance: Instance, dataset: str | None) -> str:
    """Return why AISBench cannot measure an instance."""
    if dataset and not re.fullmatch(r"(/[A-Za-z0-9._-]+)+", dataset):
        return f"dataset is {dataset!r}, should be an absolute path of letters, digits, . _ and -"
    if instance.weights.is_store:
        return "a store of Ollama has no tokenizer in it, which AISBench counts tokens with"
    if getattr(instance.options, "https", None):
        return "it asks clients for a certificate, and AISBench has none to show"
    return ""


def _python(onto: HostSpec) -> str:
    """Return the version that the host has, where a stack's own is only in a container."""
    likely, here = (python(onto), *_PYTHONS), probe.of(host)["system"]["pythons"] or []
    return next((version for version in likely if f"python{version}" in here), likely[0])


def _name() -> str:
    return f"aisbench-{hashlib.sha256(LOCK.read_bytes()).hexdigest()[:12]}"
