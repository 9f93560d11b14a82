"""
Injections: clocks that jump, and files that are dated ahead.

Hosts of a lab share the clock of this machine, which is left alone. libfaketime, preloaded into the
processes that are to see another time, is asked for it at every look.
"""

from __future__ import annotations

from pathlib import Path

from tests.lab.faults.injection import NEW, WRONG, Injection
from tests.lab.faults.trial import JOB, Trial

_LIBRARY = "usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1"
_JOB, _ENGINE = f"{JOB}.service", "metalserve-vllm@chat.service"
_SETTING = """[Service]
Environment=LD_PRELOAD=/{library} FAKETIME_TIMESTAMP_FILE=/etc/faketimerc FAKETIME_NO_CACHE=1
Environment=FAKETIME_DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1
"""


def _jump(trial: Trial, by: str, *units: str) -> None:
    """Let the clock jump that units see, in the middle of the run."""
    for host in trial.hit:
        (host.disk.root / "etc/faketimerc").write_text("+0\n")
        for unit in units:
            folder = host.disk.root / f"etc/systemd/system/{unit}.d"
            folder.mkdir(exist_ok=True)
            (folder / "clock.conf").write_text(_SETTING.format(library=_LIBRARY))
    trial.on("systemctl daemon-reload")
    trial.start()
    trial.reached()
    for host in trial.hit:
        (host.disk.root / "etc/faketimerc").write_text(f"{by}\n")
    trial.go()
    trial.end()
    for unit in units:
        trial.on(f"rm -r /etc/systemd/system/{unit}.d")
    trial.on("systemctl daemon-reload; rm /etc/faketimerc")


def _job_ahead(trial: Trial) -> None:
    _jump(trial, "+1h", _JOB)


def _job_back(trial: Trial) -> None:
    _jump(trial, "-1h", _JOB)


def _all_ahead(trial: Trial) -> None:
    _jump(trial, "+1h", _JOB, _ENGINE)


def _all_back(trial: Trial) -> None:
    _jump(trial, "-1h", _JOB, _ENGINE)


def _controller(trial: Trial, by: str) -> None:
    """The control machine has another time from the start on."""
    library = Path(trial.hosts[0].disk.root) / _LIBRARY
    told = {"LD_PRELOAD": str(library), "FAKETIME": by, "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
    kept = trial.site.environment
    trial.site.environment = kept | told
    trial.start()
    trial.site.environment = kept
    trial.end()


def _controller_ahead(trial: Trial) -> None:
    _controller(trial, "+1h")


def _controller_back(trial: Trial) -> None:
    _controller(trial, "-1h")


def _dated_ahead(trial: Trial) -> None:
    trial.on(
        "find /var/lib/metalserve /opt/metalserve/releases /opt/metalserve/instances"
        " /opt/metalserve/hostside/ -exec touch -h -d '+1 hour' {} +"
    )
    trial.start()
    trial.end()


_HOW = "libfaketime in the job"
_HOW_ALL = "libfaketime in the job and the server"

INJECTIONS = (
    Injection(
        name="clock-ahead-drain", what=f"the clock jumps an hour ahead ({_HOW})", at="drain",
        does=_job_ahead, served=NEW, code=0,
    ),
    Injection(
        name="clock-back-drain", what=f"the clock jumps an hour back ({_HOW})", at="drain",
        does=_job_back, served=NEW, code=0,
    ),
    Injection(
        name="clock-ahead-restart", what=f"the clock jumps an hour ahead ({_HOW_ALL})",
        at="restart", does=_all_ahead, served=NEW, code=0,
    ),
    Injection(
        name="clock-back-restart", what=f"the clock jumps an hour back ({_HOW_ALL})",
        at="restart", does=_all_back, served=NEW, code=0,
    ),
    Injection(
        name="clock-back-bad", what=f"the clock jumps an hour back ({_HOW})", at="swap back",
        does=_job_back, wish=WRONG, says=("serves again and answers right",),
    ),
    Injection(
        name="clock-controller-ahead", what="the control machine's clock is an hour ahead"
        " (libfaketime in pyinfra)", when="the whole run", does=_controller_ahead, served=NEW,
        code=0,
    ),
    Injection(
        name="clock-controller-back", what="the control machine's clock is an hour behind"
        " (libfaketime in pyinfra)", when="the whole run", does=_controller_back, served=NEW,
        code=0,
    ),
    Injection(
        name="clock-files", what="every file of ours is dated an hour ahead (`touch`)",
        when="before the run", does=_dated_ahead, served=NEW, code=0,
    ),
)  # fmt: skip
