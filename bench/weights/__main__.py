"""
What weights cost: fetched from a hub to one host, hashed, and given from host to host.

``bin/bench weights [--parts fetch hashing spread] [--mib 1000]`` as root on a machine that may have
lab hosts.
"""

import sys

from bench import kept, rows
from bench.told import machine
from bench.weights import fetch, hashing, spread

PARTS = {"fetch": fetch, "hashing": hashing, "spread": spread}
_MIB, _MBIT = 1000, 1000


def main() -> int:
    """Print a table a part."""
    parser = rows.words(str(__doc__), hosts=8)
    parser.add_argument("--parts", nargs="+", choices=list(PARTS), default=list(PARTS))
    parser.add_argument("--mib", type=int, default=_MIB, help=f"of the model, {_MIB} by default")
    parser.add_argument("--mbit", type=int, default=_MBIT, help=f"of fetch's link, {_MBIT}")
    told = parser.parse_args()
    results = kept.Results("weights", same=("part", "tool", "run", "hosts"))
    for name in told.parts:
        part = PARTS[name]
        table = rows.Rows(part.COLUMNS, as_json=told.json)
        table.say(f"{machine()}\n")
        table.head()
        for row in part.measured(hosts=told.hosts, mib=told.mib, mbit=told.mbit):
            table.row(row)
            results.keep(row)
        table.say("")
    return 0


if __name__ == "__main__":
    sys.exit(main())
