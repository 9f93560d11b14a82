"""What pins a stack that is a container image."""

from collections.abc import Iterator
from typing import Annotated

from roles.spec.base import Fault, Sha256, Spec, digest, spelled
from roles.spec.lock import Lock

_Reference = Annotated[
    str,
    spelled(
        r"[a-z0-9][a-z0-9._:/-]*@sha256:[0-9a-f]{64}",
        "should be a name with the digest of its manifest, as in openmmlab/lmdeploy@sha256:…",
    ),
]
_ArchiveName = Annotated[
    str,
    spelled(
        r"[A-Za-z0-9][A-Za-z0-9._+-]*\.tar(\.gz|\.xz)?",
        "should be the name of what docker save wrote, as in lmdeploy-0.18.0.tar.gz",
    ),
]


class ImageArchive(Spec):
    """
    One image as ``docker save`` writes it, for hosts that reach no registry. It lies in the folder
    that the host's ``packages`` name.

    :param sha256: of the file, from a copy that you trust
    """

    file: _ArchiveName
    sha256: Sha256


class Image(Spec):
    """
    The engine and all below it but for the driver, in a container image.

    :param reference: as a registry has it, pulled by its digest
    :param archive: the image itself
    :param lock: packages that are installed on top on the host, with the image's own Python
    """

    reference: _Reference | None = None
    archive: ImageArchive | None = None
    lock: Lock | None = None

    @property
    def sha256(self) -> str:
        """Digest of all that pins it."""
        return digest(
            [
                self.reference,
                self.archive and self.archive.sha256,
                self.lock and self.lock.sha256,
            ]
        )

    @property
    def pins(self) -> dict[str, str]:
        """Packages by name, as far as a lock tells them; an image does not."""
        return self.lock.pins if self.lock else {}

    def contradictions(self) -> Iterator[Fault]:
        """See ``Spec``."""
        given = [name for name in ("reference", "archive") if getattr(self, name)]
        if len(given) != 1:
            wrong = f"has {' and '.join(given)}" if given else "comes from nowhere"
            yield Fault(path="", wrong=wrong, right="give exactly one of reference, archive")
