"""
What installing a stack costs: by us, by uv alone, and by pip, of the same lock with its hashes.

``bin/bench install`` as root on a machine that may have lab hosts, with 13 GiB free: vLLM for CPUs,
5.9 GB, on one host that has nothing of it, again from the cache of each tool, and once more where
it is installed. Each tool asks the package index for all of it.
"""

import sys

from bench import kept, rows
from bench.install.tools import TOOLS, site
from bench.told import machine

_COLUMNS = (
    *("tool", "run", "hosts", "wall, s", "CPU here, s", "peak here, MiB"),
    *("CPU of the host, s", "peak of the host, MiB", "packages"),
)


def main() -> int:
    """Print a row as soon as it was measured."""
    parser = rows.words(str(__doc__), hosts=1)
    parser.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    told = parser.parse_args()
    if told.hosts != 1:
        parser.error(f"--hosts: {told.hosts}, 1 is right: every host would share this disk")
    table = rows.Rows(_COLUMNS, as_json=told.json)
    table.say(f"{machine()}\n")
    results = kept.Results("install")
    with site(told.tools) as made:
        table.head()
        for name in told.tools:
            tool = TOOLS[name](made)
            tool.clear()
            for run in (tool.cold, tool.warm, tool.second):
                spent, packages = run(), tool.packages()
                row = {"tool": name, "run": run.__name__, "hosts": 1, **spent.row}
                table.row(row | {"packages": packages})
                results.keep(row | {"packages": packages})
            tool.clear()
    return 0


if __name__ == "__main__":
    sys.exit(main())
