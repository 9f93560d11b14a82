"""
Compress a model on this host with the compressor of ATB models, for the chips that will share it.

The plan of the job: ``{"name", "phase", "digest", "original": folder, "folder", "python": the
stack's, "environment": file of the stack's variables, "words": for python, before the folders,
"world_size", "devices": preferred chips, "copied": [path that the compressor leaves behind],
"quantize": what the model is afterwards, "needs": bytes}``. The compressor writes beside the
folder, which gets its name when all is there; its receipt knows the sha256 of every file, as nobody
else does.
"""

from __future__ import annotations

import glob
import json
import os
import shutil
import time
from typing import Any, Dict, Iterator, List

import durable
import environment
import failures
import hashed
import idle
import jobs
import progress
import receipts
import snapshot
import space
import tool

_WITHIN_S = 6 * 3600.0
_MODELS = "ATB_SPEED_HOME_PATH"
_BUILD_WITHIN_S = 900.0
_PROGRAM = "compress_excutor"
_BUILT_BY = "msmodelslim/pytorch/weight_compression/compress_graph/build.sh"


class CompressError(jobs.JobError):
    """The model could not be compressed."""


class Compress:
    """One run of a plan."""

    def __init__(self, plan: Any, say: progress.Progress) -> None:
        self.plan, self.progress = plan, say
        self.folder: str = plan["folder"]
        self.beside = self.folder + ".new"

    def run(self) -> str:
        """Leave the compressed model whole and return what was done."""
        began = time.monotonic()
        shutil.rmtree(self.beside, ignore_errors=True)
        self.room()
        variables = self.variables()
        try:
            self.program(variables)
            self.work(variables)
            self.complete()
            self.judge()
            files = self.hash()
            os.sync()
            durable.replace_folder(self.folder, self.beside)
        except (jobs.JobError, OSError):
            shutil.rmtree(self.beside, ignore_errors=True)
            raise
        paths = [self.folder + "/" + file["path"] for file in files]
        receipts.write(self.plan["phase"], self.plan["digest"], paths, files)
        return "{}: compressed to {} for {} in {}".format(
            self.plan["name"],
            progress.size(sum(file["size"] for file in files)),
            "1 chip" if self.plan["world_size"] == 1 else "{world_size} chips".format(**self.plan),
            progress.duration(time.monotonic() - began),
        )

    def room(self) -> None:
        """Refuse before the first byte when the disk is too small."""
        need = self.plan["needs"]
        need += space.spare(need)
        free = shutil.disk_usage(os.path.dirname(self.folder)).free
        if free < need:
            raise CompressError(
                "it may take {} on the disk of {}, which has {} free; free some".format(
                    progress.size(need), self.folder, progress.size(free)
                )
            )

    def variables(self) -> Dict[str, str]:
        """Return what the compressor has set, with the chips that it works on."""
        for path in (self.plan["environment"], self.plan["python"]):
            if not os.path.exists(path):
                raise CompressError(
                    "{} is not there; run deploy/prepare.py and stage.py".format(path)
                )
        found = environment.read(self.plan["environment"])
        if _MODELS not in found:
            raise CompressError(
                "{} does not set {}, so there are no ATB models; name them in the stack's "
                "installers".format(self.plan["environment"], _MODELS)
            )
        chips = idle.chips(self.plan["world_size"], self.plan["devices"])
        visible = ",".join(map(str, chips))
        return {**found, "IGNORE_INFER_ERROR": "1", "ASCEND_RT_VISIBLE_DEVICES": visible}

    def program(self, variables: Dict[str, str]) -> None:
        """Build what the compressor calls, of which msModelSlim's wheel brings the source alone."""
        packages = os.path.dirname(os.path.dirname(self.plan["python"])) + "/lib/python3*"
        for script in glob.glob(packages + "/site-packages/" + _BUILT_BY):
            built = "{}/build/{}".format(os.path.dirname(script), _PROGRAM)
            if os.access(built, os.X_OK):
                continue
            self.progress.say("building " + _PROGRAM)
            words = ["bash", script, variables.get("ASCEND_HOME_PATH", "")]
            _, lines = tool.run(
                words,
                folder=os.path.dirname(script),
                variables=variables,
                within_s=_BUILD_WITHIN_S,
                tell=lambda: None,
            )
            # The script ends well when its compiler does not.
            if not os.access(built, os.X_OK):
                said = "\n".join(failures.evidence(lines))
                raise CompressError(
                    "{} did not build {}; cmake, make and g++ have to be there\n{}".format(
                        script, _PROGRAM, said
                    )
                )

    def work(self, variables: Dict[str, str]) -> None:
        """Have the compressor do its work, in its own folder, as its documentation has it."""
        os.mkdir(self.beside, 0o755)
        words = [self.plan["python"], *self.plan["words"]]
        words += ["--model_path", self.plan["original"], "--save_directory", self.beside]
        began = time.monotonic()
        code, lines = tool.run(
            words,
            folder=variables[_MODELS],
            variables=variables,
            within_s=_WITHIN_S,
            tell=lambda: self.progress.say("compressing: " + progress.size(_size(self.beside))),
        )
        took = progress.duration(time.monotonic() - began)
        if code is None:
            raise CompressError("the compressor did not end within {}".format(took))
        if code != 0:
            said = "\n".join(failures.evidence(lines))
            raise CompressError(
                "the compressor ended with {} after {}\n{}".format(code, took, said)
            )

    def complete(self) -> None:
        """Add what the compressor leaves to its user: three files, a key, modes."""
        for path in self.plan["copied"]:
            source = self.plan["original"] + "/" + path
            if not os.path.isfile(source):
                raise CompressError(
                    "{} is not there, and the model is not served without it; pin the weights "
                    "with it".format(source)
                )
            shutil.copyfile(source, self.beside + "/" + path)
        config = durable.read_json(self.beside + "/config.json")
        if not isinstance(config, dict):
            raise CompressError(
                "the compressor left no config.json; look at its lines (journalctl)"
            )
        # Its versions differ in whether they say so themselves.
        config["quantize"] = self.plan["quantize"]
        durable.write(self.beside + "/config.json", json.dumps(config, indent=2) + "\n")
        for folder, _, files in os.walk(self.beside):
            os.chmod(folder, 0o755)  # noqa: S103  # as all weights
            for name in files:
                os.chmod(folder + "/" + name, 0o644)

    def judge(self) -> None:
        """Refuse what is no whole model for as many chips."""
        found = list(faults(self.beside, self.plan["world_size"]))
        if found:
            raise CompressError("the compressor left no whole model:\n" + "\n".join(found))

    def hash(self) -> List[Any]:
        """Return every file with its size and sha256."""
        total, done, files = _size(self.beside), 0, []
        for path in _files(self.beside):
            size = os.path.getsize(path)
            name = os.path.relpath(path, self.beside)
            files.append({"path": name, "size": size, "sha256": hashed.sha256(path)})
            done += size
            self.progress.say("hashing", done, total)
        return files


def faults(folder: str, world_size: int) -> Iterator[str]:
    """Yield what keeps as many chips from loading the model in a folder."""
    wanted = ["part{}-of-{}".format(rank, world_size) for rank in range(world_size)]
    there = sorted(os.path.basename(path) for path in glob.glob(folder + "/part*-of-*"))
    if there != sorted(wanted):
        yield "there are {}, wanted {}".format(", ".join(there) or "no parts", ", ".join(wanted))
    for part in there:
        shards = sorted(glob.glob("{}/{}/*.safetensors".format(folder, part)))
        if not shards:
            yield "{} has no *.safetensors".format(part)
        for shard in shards:
            wrong = snapshot.truncated(shard)
            if wrong:
                yield "{}/{}".format(part, wrong)
        if not glob.glob("{}/{}/quant_model_description*.json".format(folder, part)):
            yield "{} has no quant_model_description*.json".format(part)
    if not os.path.isfile(folder + "/tokenizer_config.json"):
        yield "tokenizer_config.json is missing"


def _files(folder: str) -> List[str]:
    return sorted(within + "/" + name for within, _, names in os.walk(folder) for name in names)


def _size(folder: str) -> int:
    """Return the bytes of a folder in which somebody is at work."""
    count = 0
    for path in _files(folder):
        try:
            count += os.path.getsize(path)
        except FileNotFoundError:
            continue
    return count


def main() -> None:
    """See the top of the file."""
    jobs.perform(
        lambda plan, say: Compress(plan, say).run(),
        otherwise="is not compressed, nothing that serves was touched",
    )


if __name__ == "__main__":
    main()
