"""
On a lab host: run an activation that stands still once a step is journalled, so that the power can
be cut there. ``paused_activate.py STEP JOB``.
"""

import pathlib
import sys
import time

sys.path.insert(0, "/opt/metalserve/hostside")

import activate
import transaction


def main() -> None:
    """See the top of the file."""
    journal, at = transaction.Transaction.step, sys.argv[1]

    def step(self: transaction.Transaction, name: str) -> None:
        journal(self, name)
        if name == at:
            pathlib.Path("/root/paused").write_text(name)
            time.sleep(3600)

    transaction.Transaction.step = step  # type: ignore[method-assign]
    sys.argv = ["activate.py", sys.argv[2]]
    activate.main()


if __name__ == "__main__":
    main()
