"""Makes Debian packages, the same bytes from the same parts on any machine, and their index."""

import hashlib
import io
import os
import tarfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

# The moment of everything in a package; it means nothing.
_MOMENT = 1_700_000_000


@dataclass(frozen=True)
class Link:
    """A symbolic link, for the place of a file's content."""

    target: str


Content = str | bytes | Link


@dataclass(frozen=True, kw_only=True)
class Package:
    """
    One package.

    :param files: by absolute path; what begins as a script or a program does may be executed
    :param relations: as in ``{"Depends": "dkms", "Conflicts": "nvidia-kernel-dkms"}``
    :param scripts: text of each, as in ``{"postinst": …}``
    """

    name: str
    version: str
    files: Mapping[str, Content] = field(default_factory=dict)
    relations: Mapping[str, str] = field(default_factory=dict)
    scripts: Mapping[str, str] = field(default_factory=dict)

    @property
    def file(self) -> str:
        """Name of the file it becomes."""
        return f"{self.name}_{self.version.rpartition(':')[2]}_{_architecture()}.deb"

    def control(self) -> str:
        """The fields that say what it is."""
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": _architecture(),
            "Maintainer": "metalserve <nobody@localhost>",
            **self.relations,
            "Description": "stand-in for tests of metalserve",
        }
        return "".join(f"{key}: {value}\n" for key, value in fields.items() if value)


def repository(folder: Path, packages: Iterable[Package]) -> Path:
    """Leave packages in ``folder``, for ``deb [trusted=yes] file://<folder> ./``."""
    folder.mkdir(parents=True, exist_ok=True)
    index = []
    for package in packages:
        made = build(package)
        (folder / package.file).write_bytes(made)
        digest = hashlib.sha256(made).hexdigest()
        index.append(
            f"{package.control()}Filename: ./{package.file}\n"
            f"Size: {len(made)}\nSHA256: {digest}\n\n"
        )
    (folder / "Packages").write_text("".join(index))
    return folder


def build(package: Package) -> bytes:
    """Return the ``.deb`` itself."""
    conffiles = "".join(f"{path}\n" for path in package.files if path.startswith("/etc/"))
    control: dict[str, Content] = {"/control": package.control(), **package.scripts}
    if conffiles:
        control["/conffiles"] = conffiles
    members = {
        "debian-binary": b"2.0\n",
        "control.tar": tar({f"/{name.lstrip('/')}": text for name, text in control.items()}),
        "data.tar": tar(package.files),
    }
    archive = [b"!<arch>\n"]
    for name, content in members.items():
        header = f"{name:<16}{_MOMENT:<12}{0:<6}{0:<6}{'100644':<8}{len(content):<10}`\n"
        archive += [header.encode(), content, b"\n" * (len(content) % 2)]
    return b"".join(archive)


def tar(files: Mapping[str, Content]) -> bytes:
    """Return an archive of files, and of every folder that they are in, all of them root's."""
    made = io.BytesIO()
    folders = {str(parent) for path in files for parent in Path(path).parents}
    with tarfile.open(fileobj=made, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for path in sorted(folders | set(files)):
            entry = tarfile.TarInfo("." + path)
            entry.mtime = _MOMENT
            if path in folders:
                entry.type, entry.mode = tarfile.DIRTYPE, 0o755
                archive.addfile(entry)
                continue
            content = files[path]
            if isinstance(content, Link):
                entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, content.target, 0o777
                archive.addfile(entry)
                continue
            data = content.encode() if isinstance(content, str) else content
            entry.mode = 0o755 if data[:2] == b"#!" or data[:4] == b"\x7fELF" else 0o644
            entry.size = len(data)
            archive.addfile(entry, io.BytesIO(data))
    return made.getvalue()


def _architecture() -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine]
