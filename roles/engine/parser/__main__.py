"""
Write the tables of ``roles/spec/parsers`` anew: ``python -m roles.engine.parser WHEEL…``.

The wheels of an engine, fetched by ``pip download --no-deps``; nothing of them is installed. What
their parsers are made of is imported as it is, and what they depend on is made up (``absent.py``).
"""

import hashlib
import json
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from roles import uv

_HERE = Path(__file__).parent
_TABLES = Path(__file__).parents[2] / "spec/parsers"
# Small packages that make parsers what they are: these are the real ones.
_REAL = ("pydantic==2.14.3", "msgspec==0.22.0", "pyyaml==6.0.3")


def main() -> int:
    """Return 0 when every wheel has its table."""
    if len(sys.argv) < 2:
        print("usage: python -m roles.engine.parser WHEEL…", file=sys.stderr)
        return 2
    for wheel in map(Path, sys.argv[1:]):
        table = of(wheel)
        file = _TABLES / f"{table['engine']}-{table['version']}.json"
        file.write_text(text(table))
        print(f"{file.name}: {len(table['flags'])} options")
    return 0


def of(wheel: Path) -> dict[str, Any]:
    """Return the table of a wheel."""
    name, version = wheel.name.split("-")[:2]
    engine = name.removesuffix("_cpu")
    with tempfile.TemporaryDirectory() as folder:
        with zipfile.ZipFile(wheel) as opened:
            opened.extractall(folder, [one for one in opened.namelist() if one.endswith(".py")])
        within = [word for one in _REAL for word in ("--with", one)]
        told = subprocess.run(  # noqa: S603  # our own uv and script
            [
                str(uv.PROGRAM), "run", "--quiet", "--no-project", "--no-config", "--isolated",
                "--python", sys.executable, *within, "python", "-P", str(_HERE / "dump.py"),
                engine, folder,
            ],
            stdout=subprocess.PIPE, check=True,
        ).stdout  # fmt: skip
    about = {
        "engine": engine,
        "version": version,
        "wheel": wheel.name,
        "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest(),
    }
    table: dict[str, Any] = json.loads(told.decode().splitlines()[-1])
    return about | table


def text(table: dict[str, Any]) -> str:
    """Return a table as it is kept: a line for each option, so that versions can be compared."""
    parts = []
    for key, value in table.items():
        if isinstance(value, dict):
            rows = [f"\n  {json.dumps(name)}: {json.dumps(row)}" for name, row in value.items()]
            parts.append(f' "{key}": {{' + ",".join(rows) + "}")
        else:
            parts.append(f' "{key}": {json.dumps(value)}')
    return "{\n" + ",\n".join(parts) + "\n}\n"


if __name__ == "__main__":
    sys.exit(main())
