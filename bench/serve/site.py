"""A host that serves the canary with the real engine, and an operator who switches releases."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.hosts import fresh
from bench.room import refuse_full_disk
from bench.serve import asker
from inventories.weights import canary
from roles.lab import Lab, LabError, LabHost, places
from roles.spec import Kind
from tests.lab import fixtures
from tests.lab.site import KEY, Site

UNIT = "metalserve-vllm@chat.service"
OLDER, NEWER = "_instance()", "_instance(extra=('--seed', '7'))"
"""Two releases of one stack, between which a rollback goes to and fro."""

_PORT, _MODEL = 8000, "canary"
_WITHIN_S = 900.0
_FREE_GIB = 8
_RUN = "var/lib/metalserve/jobs/activate-chat/run.json"
# By the ids of its messages, as systemd.journal-fields(7) has them.
_SAID = f"journalctl --sync; journalctl -q -n 1 -o short-unix _PID=1 UNIT={UNIT} MESSAGE_ID="
_STOPPING = "de5b426a63be47a7b6ac3eaac82e2f6f"
_STARTING = "7d4958e842da4a758f6c1cdc7b36dcc5"


@dataclass(frozen=True)
class Turn:
    """
    How long after a command it was so far, in seconds.

    :param job_s: the host's job was begun; ``None`` of a command that needs none
    :param told_s: the server was told to end
    :param started_s: the next server was started
    :param right_s: that answered right, to whoever asked
    :param over_s: the command had ended
    """

    job_s: float | None
    told_s: float
    started_s: float
    right_s: float
    over_s: float


class Serving:
    """The host, and who changes it."""

    def __init__(self, site: Site) -> None:
        self.site = site

    @property
    def host(self) -> LabHost:
        """The host."""
        return self.site.hosts[0]

    def want(self, release: str) -> None:
        """Say which release the host should serve."""
        self.site.want(f"({release},)")

    def did(self, deploy: str) -> None:
        """Run a deploy that has to succeed."""
        done = self.site.run(deploy, within_s=1800)
        if done.code:
            raise LabError(f"deploy/{deploy}.py ended with {done.code}:\n{done.said}")

    def restarted(self) -> Turn:
        """Have systemd start the server again; the host's own clock begins to count."""
        return self._turn(self._restart)

    def deployed(self, name: str) -> Turn:
        """Have an operator switch the release."""

        def deploy() -> float:
            began = time.time()
            self.did(name)
            return began

        return self._turn(deploy)

    def _restart(self) -> float:
        done = self.host.run(f"date +%s.%N && systemctl restart {UNIT}", timeout_s=_WITHIN_S)
        if done.returncode:
            raise LabError(f"{self.host.name}: systemctl restart {UNIT}: {done.stderr}")
        return float(done.stdout)

    def _turn(self, command: Callable[[], float]) -> Turn:
        job = Path(self.host.disk.root) / _RUN
        before = job.stat().st_mtime
        with self._asker() as asking:
            began = command()
            over = time.time()
            out, _ = asking.communicate(timeout=_WITHIN_S)
        if asking.returncode:
            raise LabError(f"{self.host.name}: {out}")
        right_at, jobbed = json.loads(out)["right_at"], job.stat().st_mtime
        told_at, started_at = self._unit_at()
        return Turn(
            job_s=jobbed - began if jobbed > before else None,
            told_s=told_at - began,
            started_s=started_at - began,
            right_s=right_at - began,
            over_s=over - began,
        )

    @contextmanager
    def _asker(self) -> Iterator["subprocess.Popen[str]"]:
        """Have somebody ask the server from here on."""
        check = next(one for one in canary.WEIGHTS.checks if one.kind is Kind.TEXT)
        question = asker.Question(_PORT, _MODEL, KEY, check.prompt, check.expect)
        words = ["ip", "netns", "exec", self.host.namespace, sys.executable, "-m", asker.__name__]
        with subprocess.Popen(  # noqa: S603
            words,
            cwd=places.REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        ) as asking:
            try:
                assert asking.stdin  # noqa: S101
                asking.stdin.write(asker.asked(question, within_s=_WITHIN_S))
                asking.stdin.close()
                asking.stdin = None
                yield asking
            finally:
                asking.kill()

    def _unit_at(self) -> list[float]:
        """Return when systemd last said that it stops the unit, and that it starts it."""
        said = [self.host.run(f"{_SAID}{which}").stdout for which in (_STOPPING, _STARTING)]
        return [float(one.split()[0]) for one in said]


@contextmanager
def serving() -> Iterator[Serving]:
    """The host, which serves the older release then, and is gone with it afterwards."""
    refuse_full_disk(_FREE_GIB, "vLLM")
    lab = Lab("benchserve")
    with fresh(lab) as folder:
        yield begun(lab, folder)


def begun(lab: Lab, folder: Path) -> Serving:
    """Return a lab's host as it serves the newer release, the older one before it."""
    site = fixtures.real(
        lab,
        folder,
        options={"VLLM_ENABLE_V1_MULTIPROCESSING": "0"},
        words=("--distributed-executor-backend", "uni", "--skip-mm-profiling"),
    )
    found = Serving(site)
    for release in (OLDER, NEWER):
        found.want(release)
        found.did("main")
    return found
