"""Weights: one model revision, file by file."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from roles.spec import store
from roles.spec.base import Fault, Name, Sha256, Spec, SpecError, digest, spelled
from roles.spec.check import Check, Kind
from roles.spec.model import Model, model_from
from roles.spec.once import once
from roles.spec.source import Folder, Source, in_order

DESCRIPTION = "quant_model_description.json"
"""What msModelSlim says of each of a model's weights."""

_RelativePath = Annotated[
    str,
    spelled(
        r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*",
        "should be a path below the snapshot's folder, of letters, digits, . _ and -",
    ),
]


class WeightsFile(Spec):
    """One file as pinned; ``path`` is relative to the snapshot's folder, ``size`` in bytes."""

    path: _RelativePath
    size: int = Field(ge=0)
    sha256: Sha256


class Weights(Spec):
    """
    One model revision, or a store of Ollama's. Never edit weights that were deployed, add a file.

    :param files: the manifest; see :func:`manifest`
    :param sources: where the files come from; the next one is asked for what one does not have
    :param config: a copy of the manifest's ``config.json`` on this machine, for judging where the
        model runs; a ``Folder`` has its own; of a store what ``python -m roles.weights.gguf`` says
    :param takes: what the model can be asked about besides text
    :param checks: questions whose answers are known; what instances ask unless they have their own
    """

    name: Name
    files: tuple[WeightsFile, ...] = Field(min_length=1)
    sources: tuple[Source, ...]
    config: Path | None = None
    takes: tuple[Literal[Kind.IMAGE, Kind.VIDEO], ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    @once
    def digest(self) -> str:
        """Digest of the manifest: the same files, the same digest, wherever they came from."""
        return digest([[f.path, f.size, f.sha256] for f in sorted(self.files, key=_by_path)])

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(file.size for file in self.files)

    @property
    def listed(self) -> list[dict[str, Any]]:
        """The manifest as scripts are told it: path, size and sha256 of each file."""
        return [file.model_dump() for file in self.files]

    @property
    def is_store(self) -> bool:
        """Whether the files are a store of Ollama's, and no snapshot of a hub."""
        return any(store.is_part(file.path) for file in self.files)

    @property
    def described(self) -> bool:
        """Whether msModelSlim's description is there, under the name that vllm-ascend reads."""
        return any(file.path == DESCRIPTION for file in self.files)

    @property
    def model(self) -> Model | None:
        """What the model's ``config.json`` says; ``None`` when none is on this machine."""
        file = self.config_file
        return model_from(file.read_text()) if file and file.is_file() else None

    @property
    def config_file(self) -> Path | None:
        """Where the model's ``config.json`` is on this machine, if anywhere."""
        if self.config:
            return self.config
        folders = [source.path for source in self.sources if isinstance(source, Folder)]
        return folders[0] / "config.json" if folders else None

    def _config_faults(self) -> Iterator[Fault]:
        file = self.config_file
        if file is None:
            return
        if not file.is_file():
            if self.config:
                yield Fault(path="config", wrong=f"{file} does not exist", right="copy it there")
            return
        text = file.read_bytes()
        pinned = {one.path: one.sha256 for one in self.files}.get("config.json")
        if self.config and not self.is_store and pinned != hashlib.sha256(text).hexdigest():
            yield Fault(
                path="config",
                wrong=f"{file} is another file than the manifest's config.json",
                right="copy it from the same revision",
            )
        try:
            model_from(text.decode())
        except ValueError as error:
            yield Fault(
                path="config",
                wrong=f"{file} cannot be read ({error})",
                right="should be the config.json of a transformers model",
            )
            return
        blob = json.loads(text).get("blob")
        if self.is_store and f"blobs/{blob}" not in [one.path for one in self.files]:
            yield Fault(
                path="config",
                wrong=f"{file} was read from {blob}, which is not in the manifest",
                right="make it anew, with python -m roles.weights.gguf",
            )

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        yield from self._config_faults()
        yield from in_order(self.sources)
        paths = [file.path for file in self.files]
        for path in sorted({path for path in paths if paths.count(path) > 1}):
            yield Fault(path="files", wrong=f"{path} is listed twice", right="list it once")
        for path in paths:
            if path.endswith((".bin", ".pt", ".pth", ".pkl", ".ckpt")):
                yield Fault(
                    path=f"files/{path}",
                    wrong="may hold a pickle, which runs code when loaded",
                    right="use the safetensors of the same revision",
                )
            if path.endswith(".py"):
                yield Fault(
                    path=f"files/{path}",
                    wrong="is code that the engine would be asked to trust",
                    right="use a revision without remote code",
                )
        if self.is_store:
            yield from store.faults({file.path: file.sha256 for file in self.files})
        elif "config.json" not in paths:
            yield Fault(path="files", wrong="has no config.json", right="list the whole snapshot")


def manifest(file: Path) -> tuple[WeightsFile, ...]:
    """
    Read a manifest: a line ``<sha256>  <size in bytes>  <path>`` a file.

    :raises SpecError: there is no such file, or lines have another shape
    """
    if not file.is_file():
        right = "make it with python -m roles.weights.manifest FOLDER"
        raise SpecError([Fault(path=str(file), wrong="does not exist", right=right)])
    files = []
    faults = []
    for number, line in enumerate(file.read_text().splitlines(), start=1):
        fields = line.split("  ", 2)
        if len(fields) == 3 and fields[1].isdecimal():
            files.append(WeightsFile(sha256=fields[0], size=int(fields[1]), path=fields[2]))
        else:
            path, right = f"{file}:{number}", "should be '<sha256>  <size>  <path>'"
            faults.append(Fault(path=path, wrong=f"is {line!r}", right=right))
    if faults:
        raise SpecError(faults)
    return tuple(files)


def _by_path(file: WeightsFile) -> str:
    return file.path
