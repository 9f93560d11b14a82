"""
Where MindIE's ``config.json`` may let it listen and by which certificates, with the words in which
its own start refuses.

Read in MindIE-LLM (May 2026, the line of 3.0.0): ``server_config.cpp``, ``common_util.cpp``, and
``http_server.cpp`` for the layouts of ports. Every broken rule is told; what is of a wrong kind is
passed by, it is ``mindie_keys``'s. Whether certificates are there, and whose, no file says.
"""

from __future__ import annotations

import socket
from typing import Any, Dict, Iterator, List, Tuple

# Where, how MindIE says it, what would be right.
Broken = Tuple[str, str, str]

_ANY = ("0.0.0.0", "::")  # noqa: S104


def broken(config: Any) -> List[Broken]:
    """Return every rule that addresses, ports and certificates break."""
    server, backend = _section(config, "ServerConfig"), _section(config, "BackendConfig")
    found = [*_addresses(server), *_ports(server, backend)]
    return [*found, *_https(server), *_mode(server), *_between_nodes(backend)]


def _section(config: Any, name: str) -> Dict[str, Any]:
    found = config.get(name) if isinstance(config, dict) else None
    return found if isinstance(found, dict) else {}


def _number(section: Dict[str, Any], name: str, default: int = 0) -> int:
    value = section.get(name)
    return value if type(value) is int else default


def _text(section: Dict[str, Any], name: str) -> str:
    value = section.get(name)
    return value if isinstance(value, str) else ""


def _names(section: Dict[str, Any], name: str) -> List[Any]:
    value = section.get(name)
    return value if isinstance(value, list) else []


def _addresses(server: Dict[str, Any]) -> Iterator[Broken]:
    for name in ("ipAddress", "managementIpAddress"):
        address = server.get(name)
        if not isinstance(address, str):
            continue
        path, right = "ServerConfig.{}".format(name), "should be an address of this host"
        bare = address[1:-1] if address[:1] == "[" and address[-1:] == "]" else address
        if not address:
            yield path, "Input {} is empty".format(name), right
        elif ":" not in address and "." not in address:
            said = "Input {} [{}] format is invalid (neither IPv4 nor IPv6)"
            yield path, said.format(name, address), right
        elif bare in _ANY and server.get("allowAllZeroIpListening") is not True:
            said = "Input {} [{}] is invalid".format(name, address)
            yield path, said, "should be one address, or allowAllZeroIpListening true"
        elif not _parses(bare, socket.AF_INET6 if ":" in address else socket.AF_INET):
            yield path, "Input {} [{}] is invalid".format(name, address), right


def _parses(address: str, family: int) -> bool:
    try:
        socket.inet_pton(family, address)
    except (OSError, ValueError):
        return False
    return True


def _planes_of(server: Dict[str, Any]) -> Tuple[int, int, int, bool]:
    """Ports of business, management and metrics, and whether they share an address."""
    port, address = _number(server, "port"), _text(server, "ipAddress")
    same = _text(server, "managementIpAddress") in ("", address)
    return port, _number(server, "managementPort", port), _number(server, "metricsPort"), same


def _ports(server: Dict[str, Any], backend: Dict[str, Any]) -> Iterator[Broken]:
    """Planes may be all together, all apart, or management with one of the others."""
    port, management, metrics, same = _planes_of(server)
    if same and port and port == metrics != management:
        said = "Management or Business or Metrics port is invalid."
        right = "should be another port than {}, or managementPort {} too".format(port, port)
        yield "ServerConfig.metricsPort", said, right
    if port and port == _number(backend, "multiNodesInferPort", 1120):
        said = "Endpoint port cannot be equal to multiNodesInferPort."
        yield "ServerConfig.port", said, "should be another port than {}".format(port)


def _https(server: Dict[str, Any]) -> Iterator[Broken]:
    """Each plane has a certificate, and an authority by whose certificates clients are known."""
    if server.get("httpsEnabled") is not True:
        return
    if not _text(server, "tlsCaPath"):
        said = "The serverConfig_.tlsCaPath path is not a dir by:"
        yield "ServerConfig.tlsCaPath", said, "should be a folder below MindIE's own"
    for name, label, end in _certified(server):
        for key in ("Cert", "Pk"):
            if not _text(server, name + key):
                said = "The {}{}{} path is invalid by:".format(label, name, key)
                right = "should be a file below MindIE's own folder"
                yield "ServerConfig.{}{}".format(name, key), said, right
        for key, least, close in (("CaFile", 1, end), ("CrlFiles", 0, " .")):
            names, path = _names(server, name + key), "ServerConfig.{}{}".format(name, key)
            if any(not isinstance(one, str) for one in names):
                said = "Type of element in json array does not match string"
                yield path, said, "should be a list of names"
            elif not least <= len(set(names)) <= 3:
                said = "ERR: serverConfig_.{}{} size must in [{}, 3]{}"
                right = "should have {} to 3 names".format(least)
                yield path, said.format(name, key, least, close), right


def _certified(server: Dict[str, Any]) -> List[Tuple[str, str, str]]:
    """Prefix of the keys of each plane that has its own, and how MindIE's messages spell it."""
    found = [("tls", "serverConfig_.", " .")]
    port, management, metrics, same = _planes_of(server)
    if not (same and port == management == metrics):
        found.append(("managementTls", "ServerConfig.", "."))
        # They came with 3.0.0.
        if any(key.startswith("metricsTls") for key in server):
            found.append(("metricsTls", "ServerConfig.", "."))
    return found


def _mode(server: Dict[str, Any]) -> Iterator[Broken]:
    mode = server.get("inferMode")
    if isinstance(mode, str) and mode not in ("standard", "dmi"):
        said = "The inferMode should be standard or dmi"
        yield "ServerConfig.inferMode", said, "should be standard on one host"


def _between_nodes(backend: Dict[str, Any]) -> Iterator[Broken]:
    if backend.get("interNodeTLSEnabled") is not True:
        return
    for key, least in (("interNodeTlsCaFiles", 1), ("interNodeTlsCrlFiles", 0)):
        if key in backend and not least <= len(_names(backend, key)) <= 3:
            right = "should have {} to 3 names, or interNodeTLSEnabled false".format(least)
            yield "BackendConfig." + key, "{} size is invalid".format(key), right
