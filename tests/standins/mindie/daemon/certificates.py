"""
What HTTPS needs, after ``Check*HttpsParam`` of ``server_config.cpp``.

All files lie below the home of the server, are its user's own and no more than 640. Clients are
asked for certificates of the same authority, as ``http_ssl.cpp`` does by the documentation.
"""

from __future__ import annotations

import ssl
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from . import config_file, installation

_LABELS = {"": "serverConfig_.tls", "management": "ServerConfig.managementTls"}


def refusals(section: Mapping[str, Any], planes: tuple[str, ...]) -> Iterator[str]:
    """Yield what is wrong with the files of each plane: ``""``, ``management``, ``metrics``."""
    base = installation.home()
    for plane in planes:
        label = _LABELS.get(plane, f"ServerConfig.{plane}Tls")
        yield from _file(base, section.get(_key(plane, "Cert"), ""), f"{label}Cert")
        names = section.get(_key(plane, "CaFile")) or []
        if not 1 <= len(names) <= 3:
            yield f"ERR: serverConfig_.{_key(plane, 'CaFile')} size must in [1, 3]."
        folder = base / section.get("tlsCaPath", "")
        if not folder.is_dir():
            yield f"The {label}CaPath path is not a dir by: "
        for name in names:
            yield from _file(base, f"{section.get('tlsCaPath', '')}{name}", f"{label}CaFile")
        yield from _revoked(base, section, plane, label)
        yield from _file(base, section.get(_key(plane, "Pk"), ""), f"{label}Pk")


def context(section: Mapping[str, Any], plane: str) -> ssl.SSLContext:
    """What the sockets of a plane are wrapped in."""
    base = installation.home()
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    made.load_cert_chain(base / section[_key(plane, "Cert")], base / section[_key(plane, "Pk")])
    for name in section[_key(plane, "CaFile")]:
        made.load_verify_locations(base / f"{section['tlsCaPath']}{name}")
    made.verify_mode = ssl.CERT_REQUIRED
    return made


def _key(plane: str, suffix: str) -> str:
    return f"{plane}Tls{suffix}" if plane else f"tls{suffix}"


def _file(base: Path, name: str, label: str) -> Iterator[str]:
    told = config_file.refusal(base / name.lstrip("/"), base=base)
    if told:
        yield f"The {label} path is invalid by: {told}"


def _revoked(base: Path, section: Mapping[str, Any], plane: str, label: str) -> Iterator[str]:
    """A list of revoked certificates may be missing as a whole, and not when it is named."""
    folder, names = section.get(_key(plane, "CrlPath")), section.get(_key(plane, "CrlFiles"))
    if not folder or not names:
        return
    for name in names:
        if not (base / f"{folder}{name}").is_file():
            yield f"ERR: serverConfig_.{_key(plane, 'CrlFiles')} file not exit ."
        else:
            yield from _file(base, f"{folder}{name}", f"{label}CrlFiles")
