"""
``rsync`` 3 pulling one file over ``ssh``: options, codes and words as rsync 3.5.0 and OpenSSH 9.2
had them on 2026-11-26. An option that it does not know, and an ssh that would ask or trust
somebody new, are refused with code 1.
"""

import argparse
import json
import os
import stat
import sys
import time
from pathlib import Path
from typing import Any, NoReturn

_CLOSED = "rsync: connection unexpectedly closed (0 bytes received so far) [Receiver]"
_SSH = "rsync error: unexplained error (code 255) at io.c(285) [Receiver=3.5.0]"
_STREAM = "rsync error: error in rsync protocol data stream (code 12) at io.c(285) [Receiver=3.5.0]"
_OPTIONS = {
    "BatchMode": "yes",
    "StrictHostKeyChecking": "yes",
    "GlobalKnownHostsFile": "/dev/null",
    "UpdateHostKeys": "no",
}


def _end(code: int, *lines: str) -> NoReturn:
    print("\n".join(lines))
    sys.exit(code)


def _ssh(words: list[str]) -> argparse.Namespace:
    known = argparse.ArgumentParser(exit_on_error=False, allow_abbrev=False)
    known.add_argument("-F", required=True, choices=["none"])
    known.add_argument("-p", required=True)
    known.add_argument("-o", action="append", default=[])
    asked = known.parse_args(words)
    asked.o = dict(option.split("=", 1) for option in asked.o)
    for option, value in _OPTIONS.items():
        if asked.o.get(option) != value:
            _end(1, f"stand-in: ssh without {option}={value}")
    return asked


def _connect(depot: dict[str, Any], words: list[str], login: str) -> None:
    asked = _ssh(words)
    if f"{login}:{asked.p}" != depot["login"]:
        place = f"{login.split('@')[1]} port {asked.p}"
        _end(255, f"ssh: connect to host {place}: Connection refused", _CLOSED, _SSH)
    alias = asked.o["HostKeyAlias"]
    known = Path(asked.o["UserKnownHostsFile"]).read_text()
    if known != f"{alias} {depot['host_key']}\n":
        _end(
            255,
            "@    WARNING: REMOTE HOST IDENTIFICATION HAS CHANGED!     @",
            f"Host key for {alias} has changed and you have requested strict checking.",
            "Host key verification failed.", _CLOSED, _SSH,
        )  # fmt: skip
    file = asked.o.get("IdentityFile")
    alone = asked.o.get("IdentitiesOnly") == "yes" and asked.o.get("IdentityAgent") == "none"
    closed = file and stat.S_IMODE(os.stat(file).st_mode) & 0o077 == 0  # noqa: PTH116
    if not (file and alone and closed and Path(file).read_text() == depot["key"]):
        _end(255, f"{login}: Permission denied (publickey,keyboard-interactive).", _CLOSED, _SSH)
    if said := depot.get("login_says"):
        _end(*said)


def _bring(depot: dict[str, Any], asked: argparse.Namespace, found: Path) -> None:
    if not found.is_file() or found.is_symlink():
        _end(0, f'skipping non-regular file "{found.name}"')
    size = found.stat().st_size
    there = os.path.getsize(asked.target)  # noqa: PTH202
    if not asked.min_size <= size <= asked.max_size or there >= size:
        return
    cut = _next_cut(depot)
    with found.open("rb") as source, open(asked.target, "ab") as target:  # noqa: PTH123
        source.seek(there)
        while block := source.read(64 * 1024 if cut is None else min(64 * 1024, cut)):
            target.write(block)
            target.flush()
            time.sleep(depot["slow_s"])
            if cut is not None:
                cut -= len(block)
                if not cut:
                    lines = ("Connection to depot closed by remote host.", _CLOSED, _SSH)
                    _end(255, *lines)


def _next_cut(depot: dict[str, Any]) -> int | None:
    """Return after how many bytes this one is cut."""
    if not depot["cuts"]:
        return None
    name = Path(depot["folder"]).with_name("cuts.json")
    cuts = json.loads(name.read_text()) if name.is_file() else depot["cuts"]
    name.write_text(json.dumps(cuts[1:]))
    return int(cuts[0]) if cuts else None


def main() -> None:
    """See the top of the file."""
    depot = json.loads(Path(os.environ["STANDIN_DEPOT"]).read_text())
    with Path(os.environ["STANDIN_DEPOT"]).with_suffix(".asked").open("a") as file:
        file.write(json.dumps(sys.argv[1:]) + "\n")
    known = argparse.ArgumentParser(allow_abbrev=False)
    known.add_argument("--append", action="store_true")
    known.add_argument("--timeout", type=int, required=True)
    known.add_argument("--min-size", type=int)
    known.add_argument("--max-size", type=int)
    known.add_argument("--bwlimit", type=int)
    known.add_argument("--list-only", action="store_true")
    known.add_argument("--no-human-readable", action="store_true")
    known.add_argument("-e", required=True)
    known.add_argument("source")
    known.add_argument("target", nargs="?")
    asked = known.parse_args()
    login, path = asked.source.split(":", 1)
    program, *words = asked.e.split()
    if program != "ssh":
        _end(1, f"stand-in: -e {program}")
    _connect(depot, words, login)
    found = Path(depot["folder"] + path)
    if not found.exists():
        _end(23, f'rsync: [sender] link_stat "{path}" failed: No such file or directory (2)')
    if path in depot.get("closed", ()):
        _end(23, f'rsync: [sender] send_files failed to open "{path}": Permission denied (13)')
    if asked.list_only:
        kind = "d" if found.is_dir() else "-"
        print(f"{kind}rw-r--r-- {found.stat().st_size:>11} 2026/11/26 14:13:50 {found.name}")
        return
    if said := depot.get("write_says"):
        _end(*said)
    _bring(depot, asked, found)


if __name__ == "__main__":
    main()
