"""Injections: disks that are full, have no room for another file, or refuse to be written."""

from __future__ import annotations

from tests.lab.faults.injection import NEW, OLD, WRONG, Injection
from tests.lab.faults.trial import Trial

_STATE = "/var/lib/metalserve"
_JOURNALS = f"{_STATE}/transactions"
_RELEASES = "/opt/metalserve/releases"
_LINKS = "/opt/metalserve/instances"
_OUT = "/run/metalserve-out"
_LOG = "/var/log/metalserve"


def _confine(trial: Trial, path: str, *options: str) -> None:
    """Put a small file system over a folder, with what was in it."""
    words = ",".join(("mode=755", "size=4m", *options))
    trial.on(
        f"mkdir -p {path} && rm -rf /root/kept && cp -a {path} /root/kept"
        f" && mount -t tmpfs -o {words} faults {path} && cp -a /root/kept/. {path}/"
    )


def _fill(trial: Trial, path: str) -> None:
    trial.on(f"dd if=/dev/zero of={path}/.fill bs=1k status=none; test -s {path}/.fill")


def _use_inodes_up(trial: Trial, path: str) -> None:
    trial.on(f"n=0; while touch {path}/.fill-$n 2>/dev/null; do n=$((n + 1)); done; test $n -gt 0")


def _release(trial: Trial, path: str) -> None:
    """Take the small file system away, and let what is in it stay."""
    trial.on(
        f"rm -rf {path}/.fill* /root/kept && cp -a {path} /root/kept && umount --lazy {path}"
        f" && find {path} -mindepth 1 -delete && cp -a /root/kept/. {path}/"
    )


def _full_before(trial: Trial, path: str, *options: str, inodes: bool = False) -> None:
    _confine(trial, path, *options)
    (_use_inodes_up if inodes else _fill)(trial, path)
    trial.start()
    trial.end()
    _release(trial, path)


def _full_meanwhile(trial: Trial, path: str, *options: str, inodes: bool = False) -> None:
    _confine(trial, path, *options)
    trial.start()
    trial.reached()
    (_use_inodes_up if inodes else _fill)(trial, path)
    trial.go()
    trial.end()
    _release(trial, path)


def _stage(trial: Trial) -> None:
    _full_before(trial, _RELEASES)


def _stage_inodes(trial: Trial) -> None:
    _full_before(trial, _RELEASES, "nr_inodes=1000", inodes=True)


def _state(trial: Trial) -> None:
    _full_before(trial, _STATE, "size=16m")


def _state_inodes(trial: Trial) -> None:
    _full_before(trial, _STATE, "nr_inodes=1000", inodes=True)


def _journal_before(trial: Trial) -> None:
    _full_before(trial, _JOURNALS)


def _journal_inodes_before(trial: Trial) -> None:
    _full_before(trial, _JOURNALS, "nr_inodes=10", inodes=True)


def _journal(trial: Trial) -> None:
    _full_meanwhile(trial, _JOURNALS)


def _journal_inodes(trial: Trial) -> None:
    _full_meanwhile(trial, _JOURNALS, "nr_inodes=10", inodes=True)


def _links_inodes(trial: Trial) -> None:
    _full_meanwhile(trial, _LINKS, "nr_inodes=20", inodes=True)


def _log(trial: Trial) -> None:
    _full_before(trial, _LOG)


def _memory(trial: Trial) -> None:
    _full_meanwhile(trial, _OUT, "nr_inodes=10", inodes=True)


def _freeze(trial: Trial, path: str) -> None:
    trial.on(f"mount --bind {path} {path} && mount -o remount,ro,bind {path}")


def _thaw(trial: Trial, path: str) -> None:
    trial.on(f"umount {path}")


def _journal_frozen_before(trial: Trial) -> None:
    _freeze(trial, _JOURNALS)
    trial.start()
    trial.end()
    _thaw(trial, _JOURNALS)


def _journal_frozen(trial: Trial) -> None:
    trial.start()
    trial.reached()
    _freeze(trial, _JOURNALS)
    trial.go()
    trial.end()
    _thaw(trial, _JOURNALS)


def _links_frozen(trial: Trial) -> None:
    trial.start()
    trial.reached()
    _freeze(trial, _LINKS)
    trial.go()
    trial.end()


def _writable_and_recovered(trial: Trial) -> None:
    _thaw(trial, _LINKS)
    trial.on("python3 /opt/metalserve/hostside/recovery.py job chat")


def _writable_and_booted(trial: Trial) -> None:
    trial.crash()
    trial.boot()


_FULL = "No space left on device"
_FROZEN = "Read-only file system"

INJECTIONS = (
    Injection(
        name="disk-full-stage", what="the disk of the releases is full", when="staging",
        does=_stage, says=(_FULL, "nothing that serves was touched"),
    ),
    Injection(
        name="inodes-stage", what="no inodes left for the releases", when="staging",
        does=_stage_inodes, says=(_FULL, "nothing that serves was touched"),
    ),
    Injection(
        name="disk-full-state", what="the disk of `/var/lib/metalserve` is full",
        when="before the run", does=_state, says=(_FULL,),
    ),
    Injection(
        name="inodes-state", what="no inodes left for `/var/lib/metalserve`",
        when="before the run", does=_state_inodes, says=(_FULL,),
    ),
    Injection(
        name="disk-full-begin", what="the disk of the journal is full", when="before `begin`",
        does=_journal_before, says=(_FULL, "nothing was changed"),
    ),
    Injection(
        name="inodes-begin", what="no inodes left for the journal", when="before `begin`",
        does=_journal_inodes_before, says=(_FULL, "nothing was changed"),
    ),
    *(
        Injection(
            name=f"disk-full-{step}", what="the disk of the journal is full", at=step,
            does=_journal, says=(_FULL, "serves again and answers right"), left=("open journal",),
        )
        for step in ("drain", "swap", "restart", "ask", "commit")
    ),
    Injection(
        name="disk-full-swap-back", what="the disk of the journal is full", at="swap back",
        does=_journal, wish=WRONG, says=("serves again and answers right",),
        left=("open journal",),
    ),
    Injection(
        name="inodes-restart", what="no inodes left for the journal", at="restart",
        does=_journal_inodes, says=(_FULL, "serves again and answers right"),
        left=("open journal",),
    ),
    Injection(
        name="inodes-links", what="no inodes left for the links", at="drain", does=_links_inodes,
        served=NEW, code=0,
    ),
    Injection(
        name="inodes-links-back", what="no inodes left for the links", at="swap back",
        does=_links_inodes, wish=WRONG, says=("serves again and answers right",),
    ),
    Injection(
        name="disk-full-log", what="the disk of the audit log is full", when="before the run",
        does=_log, served=NEW, code=0,
    ),
    Injection(
        name="memory-full-drain", what="`/run/metalserve-out` takes no file", at="begin",
        does=_memory, says=(_FULL,),
    ),
    Injection(
        name="read-only-begin", what="the journal's disk is read-only", when="before `begin`",
        does=_journal_frozen_before, says=(_FROZEN, "nothing was changed"),
    ),
    *(
        Injection(
            name=f"read-only-{step}", what="the journal's disk becomes read-only", at=step,
            does=_journal_frozen, says=(_FROZEN, "serves again and answers right"),
            left=("open journal",),
        )
        for step in ("drain", "ask")
    ),
    Injection(
        name="read-only-links", what="the links' disk becomes read-only; the new one is wrong",
        at="restart", does=_links_frozen, wish=WRONG, served=OLD, then=_writable_and_recovered,
        says=("NOTHING SERVES chat", _FROZEN),
        mended="writable again, `recovery.py job chat`",
    ),
    Injection(
        name="read-only-links-boot", what="the links' disk becomes read-only; the new one is wrong",
        at="restart", does=_links_frozen, wish=WRONG, served=OLD, then=_writable_and_booted,
        says=("NOTHING SERVES chat", _FROZEN), mended="writable again, boot",
    ),
)  # fmt: skip
