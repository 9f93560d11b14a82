"""
Install a stack: a virtual environment with every package of a lock, each by its hash.

The plan of the job: ``{"name", "folder", "lock", "python", "disk_gib", "installer": LOCK of uv,
"packages": {"index", "folder", "proxy"}}``. The folder is complete only with its marker,
``complete.json``, which is written after every file was held against the hash that its package
records. A folder without it is left over from an interrupted try and is made anew; what was
downloaded is kept.
"""

from __future__ import annotations

import base64
import csv
import glob
import os
import shutil
import subprocess
import time
from typing import Any, Dict, List

import durable
import filling
import hashed
import jobs
import places
import progress
import space
import tools

_GIB = 1024**3


class InstallError(jobs.JobError):
    """The stack could not be installed."""


class Install:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.plan, self.progress = plan, say
        self.folder: str = plan["folder"]

    def run(self) -> str:
        """Leave the stack complete and return what was done."""
        if os.path.exists(self.folder + "/complete.json"):
            return "{} is complete".format(self.plan["name"])
        self.unused()
        self.room()
        began = time.monotonic()
        uv = self.installer()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder, mode=0o755)
        durable.write(self.folder + "/lock.txt", self.plan["lock"])
        python = self.interpreter(uv)
        self.ask(uv, ["venv", "--quiet", "--no-project", "--python", python, self.folder + "/venv"])
        self.packages(uv)
        self.verify()
        self.compile()
        os.sync()
        durable.write_json(self.folder + "/complete.json", {"at": durable.now()})
        took = progress.duration(time.monotonic() - began)
        return "{} installed in {}".format(self.plan["name"], took)

    def unused(self) -> None:
        """Refuse to make a stack anew below a server that runs from it."""
        links = glob.glob(places.instances() + "/*/current/stack")
        users = [link for link in links if os.path.realpath(link) == self.folder]
        if users:
            raise InstallError(
                "its marker is gone while {} runs from it; look why, and write {{}} to "
                "{}/complete.json if the folder is whole".format(
                    users[0].split("/")[-3], self.folder
                )
            )

    def room(self) -> None:
        """Refuse before the first byte when the disk is too small."""
        why = space.lacking(self.plan["disk_gib"], places.ROOT)
        if why:
            raise InstallError(why)

    def installer(self) -> str:
        """Return the path of uv at its pinned version."""
        pin, packages = self.plan["installer"], self.plan["packages"]
        return tools.bring("uv", pin, packages, self.progress) + "/bin/uv"

    def interpreter(self, uv: str) -> str:
        """Return the path of a Python of the stack's minor version on this host."""
        find = [uv, "python", "find", "--system", "--no-python-downloads", self.plan["python"]]
        found = self.command(find)
        if found.returncode != 0:
            raise InstallError(
                "this host has no Python {0}, which the lock was made for; install python{0} from "
                "the distribution, or choose a stack for another Python".format(self.plan["python"])
            )
        return found.stdout.strip().splitlines()[-1]

    def packages(self, uv: str) -> None:
        """Install what the lock says, and tell how far it is by what the disk holds more."""
        sync = [uv, "pip", "sync", "--quiet", "--require-hashes", "--only-binary", ":all:"]
        sync += ["--python", self.folder + "/venv/bin/python", self.folder + "/lock.txt"]
        sync += tools.origin(self.plan["packages"])
        code, said = filling.run(
            sync,
            log=self.folder + "/install.log",
            disk=places.ROOT,
            total=int(self.plan["disk_gib"] * _GIB),
            stage="installing, about",
            say=self.progress,
            variables=tools.environment(self.plan["packages"]),
        )
        if code != 0:
            raise InstallError("uv could not install the lock:\n" + said[-3000:])

    def verify(self) -> None:
        """Hold every installed file against the hash that its package's record has for it."""
        records = glob.glob(self.folder + "/venv/lib/python3*/site-packages/*.dist-info/RECORD")
        files: Dict[str, Dict[str, int]] = {}
        for row in [row for record in records for row in _recorded(record)]:
            files.setdefault(row["path"], {})[row["sha256"]] = int(row["size"])
        if not files:
            raise InstallError("{} holds no installed package".format(self.folder))
        total = sum(max(sizes.values()) for sizes in files.values())
        done, wrong = 0, []
        for path, sizes in files.items():
            # Some packages bring the same file; the last one that was installed has it.
            if _sha256(path) not in sizes:
                wrong.append(path)
            done += max(sizes.values())
            self.progress.say("verifying", done, total)
        if wrong:
            shutil.rmtree(places.package_cache(), ignore_errors=True)
            raise InstallError(
                "{} of {} installed files differ from their packages' records, as in {}; the "
                "package cache was emptied, run again".format(len(wrong), len(files), wrong[0])
            )

    def compile(self) -> None:
        """Compile what servers import: they cannot write here, and would do it at every start."""
        self.progress.say("compiling")
        # Isolated and without site, so that nothing of the packages runs as root.
        words = ["-I", "-S", "-m", "compileall", "-q", "-j", "0", self.folder + "/venv/lib"]
        # Packages carry templates and files for other Pythons, which do not compile: no matter.
        self.command([self.folder + "/venv/bin/python", *words])

    def command(self, words: List[str]) -> subprocess.CompletedProcess[str]:
        """Run a command of the installer."""
        return tools.command(words, self.plan["packages"])

    def ask(self, uv: str, words: List[str]) -> None:
        """Run uv, which must succeed."""
        self.must([uv, *words], "uv {} failed".format(words[0]))

    def must(self, words: List[str], otherwise: str) -> None:
        """Run a command, which must succeed."""
        done = self.command(words)
        if done.returncode != 0:
            raise InstallError("{}:\n{}".format(otherwise, done.stdout.strip()[-3000:]))


def _recorded(record: str) -> List[Dict[str, str]]:
    """Return path, size and sha256 of each file that a package's record has a hash for."""
    root = os.path.dirname(os.path.dirname(record))
    with open(record, newline="") as file:
        rows = [row for row in csv.reader(file) if len(row) == 3 and row[1].startswith("sha256=")]
    return [
        {
            "path": os.path.normpath(os.path.join(root, path)),
            "sha256": _hex(algorithm_and_hash[len("sha256=") :]),
            "size": size or "0",
        }
        for path, algorithm_and_hash, size in rows
    ]


def _hex(urlsafe: str) -> str:
    return base64.urlsafe_b64decode(urlsafe + "=" * (-len(urlsafe) % 4)).hex()


def _sha256(path: str) -> str:
    try:
        return hashed.sha256(path)
    except OSError:
        return "missing"


def main() -> None:
    """See the top of the file."""
    jobs.perform(
        lambda plan, say: Install(plan, say).run(),
        otherwise="is not installed, nothing that serves was touched",
    )


if __name__ == "__main__":
    main()
