"""
Measure a server with AISBench: how right it answers, or how fast.

The plan of the job: ``{"name", "instance", "kind": "accuracy" or "performance", "tool": FOLDER,
"dataset": FOLDER or null, "media": "base64" or "path", "groups": [NAME], "requests", "at_once",
"max_tokens", "within_s"}``. The tool runs as the instance's user, in a folder of the run that
nobody else reads: it has the API key in its configuration. Of that folder stays what was measured.
The server is asked and nothing of it is changed; ``aisbench.py INSTANCE KIND`` prints what was
measured last.
"""

from __future__ import annotations

import contextlib
import glob
import json
import os
import shutil
import sys
import time
from typing import Any, Dict, List

import aisbench_config
import aisbench_dataset
import aisbench_results
import aisbench_run
import durable
import jobs
import media
import places
import progress
import served
import space
import transaction

_ALIVE_WITHIN_S = 120
# What the run itself writes: plots, timings and predictions, without the images.
_ROOM_GIB = 1.0
# Of a picture in base64, beside what stands around it.
_LONGEST = media.LONGEST - 4096
_REFUSED = (
    aisbench_config.NotShippedError,
    aisbench_dataset.DatasetError,
    aisbench_run.LateError,
)


class BenchmarkError(jobs.JobError):
    """Nothing was measured; the message says why."""


class Benchmark:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.plan, self.progress = plan, say
        self.instance: str = plan["instance"]
        self.kind: str = plan["kind"]
        self.task = aisbench_config.TASKS[self.kind]
        self.folder = "{}/{}".format(places.benchmarks(self.instance), self.kind)
        self.source = str(plan["dataset"])
        self.unit = "metalserve-{}-{}.service".format(self.kind, self.instance)

    def run(self) -> str:
        """Measure, leave the report, and return it in a line."""
        plan, release = self.plan, transaction.current(self.instance)
        if release is None:
            raise BenchmarkError("{} has no release".format(self.instance))
        server = served.of(self.instance, release)
        self.answering(server)
        began = time.monotonic()
        try:
            dataset = self.prepared(release)
            self.configured(server, dataset)
            if not aisbench_run.run(plan, self.folder, self.unit, dataset.asked, self.progress):
                raise BenchmarkError(self.failed("AISBench crashed"))
            found = getattr(aisbench_results, self.kind)(self.folder + "/outputs")
        except _REFUSED as error:
            raise BenchmarkError(str(error)) from None
        except aisbench_results.ResultError as error:
            raise BenchmarkError(self.failed(str(error))) from None
        finally:
            self.cleared()
        report = dict(found, kind=self.kind, release=release, at=durable.now())
        report["dataset"] = self.source
        report["of"] = dataset.asked
        durable.write_json(_report(self.instance, self.kind), report)
        took = progress.duration(time.monotonic() - began)
        return "{}, in {}; its files are in {}".format(line(report), took, self.folder)

    def answering(self, server: served.Server) -> None:
        """Refuse to measure a server that does not answer one question."""
        there = "{} at {}:{}".format(self.instance, server.address, server.port)
        try:
            status, text = server.complete("Are you there?", 1, _ALIVE_WITHIN_S)
        except served.NO_ANSWER as error:
            raise BenchmarkError("{} does not answer: {}".format(there, error)) from None
        if status != 200:
            raise BenchmarkError("{} answers {}: {}".format(there, status, text.strip()))

    def prepared(self, release: str) -> aisbench_dataset.Dataset:
        """Make the folder of the run, with the questions in it."""
        shutil.rmtree(self.folder, ignore_errors=True)
        os.makedirs(self.folder + "/data", mode=0o700)
        os.chmod(self.folder, 0o700)
        why = space.lacking(_ROOM_GIB, self.folder)
        if why:
            raise BenchmarkError(why)
        into, requests, source = self.folder + "/data", self.plan["requests"], self.plan["dataset"]
        if source is None:
            made = aisbench_dataset.made(self.own(release), self.kind, into, requests)
        elif self.kind == "accuracy":
            made = aisbench_dataset.textvqa(source, into)
        else:
            by_path = self.plan["media"] == "path"
            made = aisbench_dataset.mm_custom(source, into, requests, copied=by_path)
        if self.bounded(release):
            self.short_enough(made)
        return made

    def own(self, release: str) -> List[Dict[str, Any]]:
        """Return the questions that the instance is asked anyway, but for what cannot be sent."""
        path = "{}/{}.json".format(places.checks(self.instance), release)
        # What is asked by another way in as well counts once.
        asked = [one for one in durable.read_json(path) or () if "by" not in one]
        found = asked
        if self.bounded(release):
            found = [question for question in asked if len(question["media"]) < _LONGEST]
        self.source = "{}'s own questions".format(self.instance)
        if found != asked:
            self.source += ", without {} too large to send".format(len(asked) - len(found))
        return found

    def bounded(self, release: str) -> bool:
        """Say whether images are sent to MindIE in base64, of which it takes 4 MiB a request."""
        by_path = self.kind == "performance" and self.plan["media"] == "path"
        return not by_path and transaction.about(self.instance, release)["engine"] == "mindie"

    def short_enough(self, dataset: aisbench_dataset.Dataset) -> None:
        """Refuse what MindIE would."""
        for path in dict.fromkeys(dataset.files):
            if os.path.getsize(path) * 4 // 3 > _LONGEST:
                raise BenchmarkError(
                    "{} is longer than the {} MiB that MindIE takes of a request in base64, give a "
                    "smaller image".format(path, media.LONGEST >> 20)
                )

    def configured(self, server: served.Server, dataset: aisbench_dataset.Dataset) -> None:
        """Write what the tool reads, for the instance's user alone."""
        asked = {
            "host": server.address,
            "port": server.port,
            "model": server.model,
            "key": server.key,
            "tokenizer": places.instance(self.instance) + "/current/weights",
            "max_tokens": self.plan["max_tokens"],
            "at_once": self.plan["at_once"],
            "questions": dataset.path,
            "media": self.plan["media"],
            "image_type": aisbench_dataset.image_type(dataset.files),
            "suffix": dataset.suffix,
        }
        texts = aisbench_config.files(self.task, self.plan["tool"], asked)
        for name, text in texts.items():
            durable.write("{}/configs/{}".format(self.folder, name), text, mode=0o600)
        here = os.path.dirname(os.path.realpath(__file__))
        os.makedirs(self.folder + "/absent")
        absent = self.folder + "/absent/sitecustomize.py"
        shutil.copyfile(here + "/aisbench_absent.py", absent)
        user = places.user(self.instance)
        for path, folders, files in os.walk(self.folder):
            for name in (path, *(path + "/" + one for one in (*folders, *files))):
                shutil.chown(name, user, user)

    def failed(self, why: str) -> str:
        """Return why, with what the tool said last."""
        outputs = self.folder + "/outputs"
        failed, reason = aisbench_results.failures(outputs)
        if failed:
            why = "{} requests failed, the first because of: {}".format(failed, reason)
        said = aisbench_results.last_words(outputs)
        return "{}{}; see {}/aisbench.log and the logs beside it".format(
            why, "\n" + said + "\n" if said and not failed else "", self.folder
        )

    def cleared(self) -> None:
        """Take away whatever holds the key, and give the rest to root."""
        for path in (
            self.folder + "/configs",
            self.folder + "/tmp",  # noqa: S108  # of the run, not of the system
            *glob.glob(glob.escape(self.folder) + "/outputs/*/configs"),
        ):
            shutil.rmtree(path, ignore_errors=True)
        with contextlib.suppress(OSError):
            os.chown(self.folder, 0, 0)


def line(report: Dict[str, Any]) -> str:
    """Return a report as one line."""
    if report["kind"] == "accuracy":
        return "accuracy {:.2f} of 100, {} of {} questions answered".format(
            report["accuracy"], report["questions"], report["of"]
        )
    return (
        "{:.1f} tokens/s at {:.0f} at once, first token after {:.0f} ms on average, {:.0f} of "
        "{:.0f} requests failed".format(
            report["tokens_per_s"],
            report["at_once"],
            report["measures"]["first_token_ms"]["average"],
            report["failed"],
            report["requests"],
        )
    )


def _report(instance: str, kind: str) -> str:
    return "{}/{}.json".format(places.benchmarks(instance), kind)


def main() -> None:
    """See the top of the file."""
    if len(sys.argv) == 3:
        print(json.dumps(durable.read_json(_report(sys.argv[1], sys.argv[2]))))
        return
    jobs.perform(
        lambda plan, say: Benchmark(plan, say).run(),
        otherwise="measured nothing, and what serves was left as it is",
    )


if __name__ == "__main__":
    main()
