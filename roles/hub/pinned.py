"""A revision, pinned: every file with its size and sha256, and what the model is."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Literal

from roles.hub.asked import Asked
from roles.hub.listing import Hub, HubError, Listed, Listing
from roles.spec import HuggingFace, Kind, ModelScope, Weights, WeightsFile
from roles.spec.model import model_from

_UNKNOWN = "0" * 64


@dataclass(frozen=True)
class Pinned:
    """Weights as inventories know them, and their ``config.json``."""

    weights: Weights
    config: str


def pinned(asked: Asked, hub: Hub) -> Pinned:
    """
    Ask a hub for a revision and return it pinned.

    :raises HubError: the hub refuses, or the spec refuses what is there
    """
    listing = hub.listing(asked.repo, asked.revision)
    files = [file for file in listing.files if not _left_out(file, asked)]
    _judge(asked, hub, listing, [_file(one, one.sha256 or _UNKNOWN) for one in files])
    config = hub.read(asked.repo, listing.commit, "config.json")
    known = [_file(one, one.sha256 or _hashed(one, asked, hub, listing)) for one in files]
    (digest,) = (one.sha256 for one in known if one.path == "config.json")
    if hashlib.sha256(config).hexdigest() != digest:
        raise HubError(f"config.json of {asked.repo} came with another sha256 than {digest}")
    return Pinned(_judge(asked, hub, listing, known, config.decode()), config.decode())


def _left_out(file: Listed, asked: Asked) -> bool:
    # Hidden files are git's and the hubs' own.
    hidden = any(part.startswith(".") for part in file.path.split("/"))
    return hidden or any(fnmatch(file.path, pattern) for pattern in asked.without)


def _file(file: Listed, sha256: str) -> WeightsFile:
    return WeightsFile(path=file.path, size=file.size, sha256=sha256)


def _hashed(file: Listed, asked: Asked, hub: Hub, listing: Listing) -> str:
    """Compute what the hub does not tell, from the file that it does tell git's name of."""
    content = hub.read(asked.repo, listing.commit, file.path)
    blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()  # noqa: S324
    if len(content) != file.size or (file.blob and blob != file.blob):
        raise HubError(
            f"{file.path} of {asked.repo} came with {len(content)} bytes and git's {blob}, the hub "
            f"lists {file.size} bytes and {file.blob}; something on the way changes files"
        )
    return hashlib.sha256(content).hexdigest()


def _judge(
    asked: Asked, hub: Hub, listing: Listing, files: list[WeightsFile], config: str = ""
) -> Weights:
    """Return the weights, unless the spec refuses them."""
    noun = HuggingFace if asked.hub == "huggingface" else ModelScope
    source = noun(
        repo=asked.repo, revision=listing.commit, endpoint=hub.endpoint, token=asked.token
    )
    weights = Weights(
        name=asked.name,
        files=tuple(sorted(files, key=lambda file: file.path)),
        sources=(source,),
        takes=tuple(_takes(config, files)) if config else (),
    )
    faults = weights.faults()
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise HubError(
            f"{asked.repo} at {listing.commit} is not to be used as it is:\n{lines}\n"
            "files that the engine does not need are left out by --data without='PATTERN,…'"
        )
    return weights


def _takes(config: str, files: list[WeightsFile]) -> Iterator[Literal[Kind.IMAGE, Kind.VIDEO]]:
    try:
        model = model_from(config)
    except ValueError as error:
        raise HubError(f"its config.json is of no model that is known here: {error}") from error
    if model.vision:
        yield Kind.IMAGE
        if "video_token_id" in config or any("video" in file.path for file in files):
            yield Kind.VIDEO
