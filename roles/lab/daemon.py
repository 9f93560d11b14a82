"""A process that outlives the run that started it, and is found again by its pid file."""

import contextlib
import os
import signal
from dataclasses import dataclass
from pathlib import Path

from roles.lab.command import LabError, Word, run, wait

# Its own session, no terminal, no pipe of ours; 0 in a group's file means the one who writes.
_BEGIN = 'echo $$ >"$1"; for door in $2; do echo 0 >"$door" || exit 1; done; shift 2\n'
ONCE = _BEGIN + 'exec "$@"'


def again_at(code: int) -> str:
    """
    Script that runs its program in a new group below each of a second list, again at ``code``.

    A new one each time: version 2 lets no process into a group that has limited groups below it,
    and that is what a system leaves behind.
    """
    return _BEGIN + (
        "groups=$1; shift; time=0\n"
        "while time=$((time + 1)); (for group in $groups; do\n"
        '    mkdir -p "$group/$time" && echo 0 >"$group/$time/cgroup.procs" || exit 1\n'
        f'done; exec "$@"); [ $? -eq {code} ]; do :; done'
    )


@dataclass(frozen=True)
class Daemon:
    """
    One long-lived process, whose command line names the folder of its pid file.

    A pid file may be stale and its number taken by a stranger: the folder tells them apart.
    """

    pidfile: Path
    log: Path

    @property
    def pid(self) -> int | None:
        try:
            pid = int(self.pidfile.read_text())
            words = Path(f"/proc/{pid}/cmdline").read_bytes()
        except (OSError, ValueError):
            return None
        return pid if f"{self.pidfile.parent}/".encode() in words else None

    def start(self, script: str, *words: Word) -> None:
        self.pidfile.unlink(missing_ok=True)
        shell: list[Word] = ["setsid", "--fork", "sh", "-c", script, "sh", self.pidfile]
        run(*shell, *words, log=self.log)
        if not wait(lambda: self.pid is not None, within_s=60):
            raise LabError(f"{self.pidfile}: nothing was started, see {self.log}")

    def kill(self, sort: signal.Signals = signal.SIGKILL) -> None:
        """Signal the process and wait for its end."""
        pid = self.pid
        if pid is not None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, sort)
            if not wait(lambda: self.pid is None, within_s=60):
                raise LabError(f"{self.pidfile}: process {pid} does not end")
        self.pidfile.unlink(missing_ok=True)


def children(pid: int) -> list[int]:
    try:
        return [
            int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        ]
    except OSError:
        return []
