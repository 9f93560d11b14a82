"""Run the tiers of ``bin/test`` one after the other and tell the time of each."""

import os
import subprocess
import sys
import time

_MYPY = [sys.executable, "-m", "mypy"]
# Two processes, each module whole in one of them, in the order of tests/lab/conftest.py. What waits
# for boots and slow links leaves the machine to the other.
_PYTEST = [sys.executable, "-m", "pytest", "-q", "-n", "2", "--dist", "loadfile"]
_PYTEST += ["--no-loadscope-reorder", "--durations", "20", "-m"]

# Scripts for hosts import their siblings by bare names, and so do their tests: they are checked
# with their folder as the root, and everything else without.
_HOSTSIDE = [
    "roles/hostside",
    "tests/roles/hostside",
    "tests/lab/paused_activate.py",
    "tests/lab/faults/on_host",
]
_ELSE = [
    "bench",
    "config.py",
    "deploy",
    "inventories",
    "roles",
    "tests",
    "--exclude",
    "|".join(_HOSTSIDE),
]

TIERS = {
    "lint": [
        [".venv/bin/ruff", "check"],
        [".venv/bin/ruff", "format", "--check"],
    ],
    "types": [
        [*_MYPY, *_ELSE],
        ["env", "MYPYPATH=roles/hostside", *_MYPY, *_HOSTSIDE],
    ],
    "unit": [[*_PYTEST, "not lab and not engine"]],
    "lab": [[*_PYTEST, "lab and not engine"]],
    "engine": [[*_PYTEST, "engine"]],
}
# Tests start programs by the thousand: what these import is compiled once, whatever is set outside.
ENVIRONMENT = {k: value for k, value in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
# Who wants both has the engine in one process, and the rest of the lab beside it.
BESIDE = ("lab", "engine")


def steps(wanted: list[str]) -> dict[str, list[list[str]]]:
    """Return the commands of each tier, by its name in the order that it is run in."""
    if not set(BESIDE) <= set(wanted):
        return {name: TIERS[name] for name in wanted}
    alone = {name: TIERS[name] for name in wanted if name not in BESIDE}
    return alone | {" + ".join(BESIDE): [[*_PYTEST, "lab or engine"]]}


def main() -> int:
    """Return how many tiers failed."""
    wanted = sys.argv[1:] or list(TIERS)
    unknown = [name for name in wanted if name not in TIERS]
    if unknown:
        print(f"bin/test: {', '.join(unknown)}: no such tier, there are {', '.join(TIERS)}")
        return 2
    took, failed = {}, []
    for name, commands in steps(wanted).items():
        print(f"== {name}", flush=True)
        began = time.monotonic()
        codes = [subprocess.run(words, env=ENVIRONMENT).returncode for words in commands]
        took[name] = time.monotonic() - began
        if any(codes):
            failed.append(name)
    for name, seconds in took.items():
        print(f"{name:12} {seconds:6.0f} s  {'FAILED' if name in failed else 'passed'}")
    print(f"{'in all':12} {sum(took.values()):6.0f} s")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
