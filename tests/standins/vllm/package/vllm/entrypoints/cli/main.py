"""``python -m vllm.entrypoints.cli.main serve MODEL``: one server, or one of several hosts."""

from __future__ import annotations

import sys

from ..openai import api_server


def main() -> int:
    """Take ``serve`` alone of all the real one's commands."""
    if sys.argv[1:2] != ["serve"]:
        print(f"vllm: error: argument subparser: invalid choice: {sys.argv[1:2]}", file=sys.stderr)
        return 2
    return api_server.start(sys.argv[2:], served=True)


if __name__ == "__main__":
    sys.exit(main())
