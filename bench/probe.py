"""
What a probe of a host costs beside ``ssh HOST true``, as a table.

``bin/bench probe``, as root on a machine that may have lab hosts; two minutes.
"""

import json
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bench import hosts
from bench.told import machine, spread
from roles import probe
from roles.lab import Lab, LabError, LabHost
from roles.probe import facts
from roles.spec import Accelerator, HostSpec

PAIRS = 15
# What the probe has the stand-ins of Huawei's tools run, and nothing else.
_NPU_TOOLS = (
    "npu-smi info; npu-smi info -m; for n in 0 1 2 3 4 5 6 7; do "
    "/usr/local/Ascend/driver/tools/hccn_tool -i $n -link -g; done"
)
_HEAD = (
    "| host | asked | `ssh HOST true`, ms | asked, ms | ratio | bytes there | bytes back |\n"
    "|---|---|---|---|---|---|---|"
)


@dataclass(frozen=True)
class Question:
    """A command for a host, its input, and how many devices a probe has to tell of."""

    name: str
    command: str
    given: bytes = b""
    devices: int | None = None


def main() -> None:
    """Print the table as Markdown, a row as soon as it was measured."""
    print(f"{machine()} {PAIRS} pairs.\n\n{_HEAD}", flush=True)
    for row in _rows(Lab("bench")):
        print(row, flush=True)


def _rows(lab: Lab) -> Iterator[str]:
    with hosts.fresh(lab):
        (host,) = lab.hosts
        yield _row("CPU, bare", host, Question("`python3 -c pass`", "python3 -c pass"))
        yield _row("CPU, bare", host, _sent(Accelerator.CPU))
        hosts.prepare(host, Accelerator.CPU)
        yield _row("CPU, prepared", host, _sent(Accelerator.CPU))
        yield _row("CPU, prepared", host, _own(Accelerator.CPU))
    with hosts.fresh(lab):
        (host,) = lab.hosts
        hosts.plug_gpus(host)
        yield _row("8 H200, not prepared", host, _sent(Accelerator.CUDA, 8))
        hosts.prepare(host, Accelerator.CUDA)
        yield _row("8 H200, prepared", host, _own(Accelerator.CUDA, 8))
    with hosts.fresh(lab):
        (host,) = lab.hosts
        hosts.plug_npus(host)
        yield _row("8 Ascend 910B4", host, _sent(Accelerator.ASCEND, 8))
        yield _row("8 Ascend 910B4", host, Question("stand-in tools alone", _NPU_TOOLS))


def _sent(accelerator: Accelerator, devices: int = 0) -> Question:
    """Return the probe as a run asks a host that has none, with an inventory's defaults."""
    return _asked("probe, sent", accelerator, devices, facts.program(accelerator))


def _own(accelerator: Accelerator, devices: int = 0) -> Question:
    """Return the same for a prepared host, which has it."""
    return _asked("its own probe", accelerator, devices, facts.there(accelerator))


def _asked(name: str, accelerator: Accelerator, devices: int, sent: str) -> Question:
    spec = HostSpec(accelerator=accelerator)
    command = probe.Probe().command(
        python=spec.python, weights_root=spec.weights_root, accelerator=str(accelerator)
    )
    return Question(name, command.get_raw_value(), sent.encode(), devices)


def _row(what: str, host: LabHost, asked: Question) -> str:
    """Ask in turns with ``true``, the first turn for nothing, and return a row of the table."""
    plain = Question("true", "true")
    turns = [(*_ask(host, plain), *_ask(host, asked)) for _ in range(1 + PAIRS)][1:]
    base, _, took, answers = zip(*turns, strict=True)
    ratios = [after / before for before, after in zip(base, took, strict=True)]
    if asked.devices is not None:
        _refuse_blind(what, json.loads(answers[-1]), asked.devices)
    spreads = (spread([1000 * s for s in seconds], ".0f") for seconds in (base, took))
    sizes = (len(asked.given), len(answers[-1]))
    columns = (what, asked.name, *spreads, spread(ratios, ".2f"), *sizes)
    return "| " + " | ".join(map(str, columns)) + " |"


def _ask(host: LabHost, asked: Question) -> tuple[float, bytes]:
    """Return the seconds that a connection of its own takes, and what came back."""
    options = ["-i", str(host.key), "-o", f"UserKnownHostsFile={host.known_hosts}"]
    target = [f"root@{host.address}", asked.command]
    words = ["ssh", "-F", "none", "-o", "BatchMode=yes", *options, *target]
    began = time.perf_counter()
    done = subprocess.run(words, input=asked.given, capture_output=True, timeout=60)  # noqa: S603
    took = time.perf_counter() - began
    if done.returncode:
        raise LabError(f"{host.name}: {asked.name}: {done.stderr.decode()}")
    return took, done.stdout


def _refuse_blind(what: str, found: Any, wanted: int) -> None:
    """Refuse the numbers of a probe that did not see everything."""
    vendors = [found["accelerators"][vendor] or {"devices": []} for vendor in ("cuda", "ascend")]
    devices = sum(len(vendor["devices"]) for vendor in vendors)
    if found["faults"] or devices != wanted:
        raise LabError(f"{what}: {devices} devices, {wanted} are right; faults {found['faults']}")


if __name__ == "__main__":
    main()
