"""Run the tiers of ``bin/test`` one after the other and tell the time of each."""

import subprocess
import sys
import time

_MYPY = [sys.executable, "-m", "mypy"]
_PYTEST = [sys.executable, "-m", "pytest", "-q"]

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
    "unit": [[*_PYTEST, "-m", "not lab and not engine"]],
    "lab": [[*_PYTEST, "-m", "lab and not engine"]],
    "engine": [[*_PYTEST, "-m", "engine"]],
}


def main() -> int:
    """Return how many tiers failed."""
    wanted = sys.argv[1:] or list(TIERS)
    unknown = [name for name in wanted if name not in TIERS]
    if unknown:
        print(f"bin/test: {', '.join(unknown)}: no such tier, there are {', '.join(TIERS)}")
        return 2
    took, failed = {}, []
    for name in wanted:
        print(f"== {name}", flush=True)
        began = time.monotonic()
        codes = [subprocess.run(words).returncode for words in TIERS[name]]
        took[name] = time.monotonic() - began
        if any(codes):
            failed.append(name)
    for name, seconds in took.items():
        print(f"{name:8} {seconds:6.0f} s  {'FAILED' if name in failed else 'passed'}")
    print(f"{'in all':8} {sum(took.values()):6.0f} s")
    return len(failed)


if __name__ == "__main__":
    sys.exit(main())
