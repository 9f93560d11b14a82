"""Addresses, ports and certificates that MindIE refuses, in its words."""

from typing import Any

import mindie_server
import pytest

from tests.roles.mindie_files import changed
from tests.standins.mindie import shipped


@pytest.mark.parametrize("version", shipped.VERSIONS)
def test_shipped_files_are_right(version: str) -> None:
    assert mindie_server.broken(shipped.document(version)) == []


def _server(**changes: Any) -> list[tuple[str, str, str]]:
    return mindie_server.broken(
        changed({f"ServerConfig.{name}": value for name, value in changes.items()})
    )


@pytest.mark.parametrize(
    ("changes", "key", "said", "right"),
    [
        (
            {"ipAddress": ""},
            "ipAddress",
            "Input ipAddress is empty",
            "should be an address of this host",
        ),
        (
            {"ipAddress": "localhost"},
            "ipAddress",
            "Input ipAddress [localhost] format is invalid (neither IPv4 nor IPv6)",
            "should be an address of this host",
        ),
        (
            {"managementIpAddress": "127.0.0.256"},
            "managementIpAddress",
            "Input managementIpAddress [127.0.0.256] is invalid",
            "should be an address of this host",
        ),
        (
            {"ipAddress": "0.0.0.0"},
            "ipAddress",
            "Input ipAddress [0.0.0.0] is invalid",
            "should be one address, or allowAllZeroIpListening true",
        ),
        (
            {"ipAddress": "::"},
            "ipAddress",
            "Input ipAddress [::] is invalid",
            "should be one address, or allowAllZeroIpListening true",
        ),
        (
            {"managementIpAddress": "127.0.0.1", "metricsPort": 1025},
            "metricsPort",
            "Management or Business or Metrics port is invalid.",
            "should be another port than 1025, or managementPort 1025 too",
        ),
        (
            {"port": 1120},
            "port",
            "Endpoint port cannot be equal to multiNodesInferPort.",
            "should be another port than 1120",
        ),
        (
            {"tlsCaFile": []},
            "tlsCaFile",
            "ERR: serverConfig_.tlsCaFile size must in [1, 3] .",
            "should have 1 to 3 names",
        ),
        (
            {"managementTlsCaFile": ["a.pem", "b.pem", "c.pem", "d.pem"]},
            "managementTlsCaFile",
            "ERR: serverConfig_.managementTlsCaFile size must in [1, 3].",
            "should have 1 to 3 names",
        ),
        (
            {"metricsTlsCrlFiles": ["a", "b", "c", "d"]},
            "metricsTlsCrlFiles",
            "ERR: serverConfig_.metricsTlsCrlFiles size must in [0, 3] .",
            "should have 0 to 3 names",
        ),
        (
            {"tlsCaFile": [1]},
            "tlsCaFile",
            "Type of element in json array does not match string",
            "should be a list of names",
        ),
        (
            {"tlsPk": ""},
            "tlsPk",
            "The serverConfig_.tlsPk path is invalid by:",
            "should be a file below MindIE's own folder",
        ),
        (
            {"tlsCaPath": ""},
            "tlsCaPath",
            "The serverConfig_.tlsCaPath path is not a dir by:",
            "should be a folder below MindIE's own",
        ),
        (
            {"managementTlsCert": ""},
            "managementTlsCert",
            "The ServerConfig.managementTlsCert path is invalid by:",
            "should be a file below MindIE's own folder",
        ),
        (
            {"inferMode": "fast"},
            "inferMode",
            "The inferMode should be standard or dmi",
            "should be standard on one host",
        ),
    ],
)
def test_broken(changes: dict[str, Any], key: str, said: str, right: str) -> None:
    assert _server(**changes) == [(f"ServerConfig.{key}", said, right)]


@pytest.mark.parametrize(
    "changes",
    [
        {"ipAddress": "0.0.0.0", "allowAllZeroIpListening": True},
        {"ipAddress": "::1", "managementIpAddress": "[::1]"},
        {"managementIpAddress": "127.0.0.1", "managementPort": 1025, "metricsPort": 1025},
        {"managementIpAddress": "127.0.0.1", "managementPort": 1025},
        {"managementIpAddress": "127.0.0.1", "managementPort": 1027},
        {"metricsPort": 1025},
        {"tlsCrlFiles": []},
        {"httpsEnabled": False, "tlsCaFile": [], "tlsPk": ""},
        {
            "managementIpAddress": "127.0.0.1",
            "managementPort": 1025,
            "metricsPort": 1025,
            "managementTlsCaFile": [],
            "metricsTlsCaFile": [],
        },
    ],
)
def test_right(changes: dict[str, Any]) -> None:
    """Among them every layout of ports that http_server.cpp takes, and no keys without use."""
    assert _server(**changes) == []


def test_between_nodes() -> None:
    file = changed({"BackendConfig.interNodeTlsCaFiles": []})
    path, said = "BackendConfig.interNodeTlsCaFiles", "interNodeTlsCaFiles size is invalid"
    right = "should have 1 to 3 names, or interNodeTLSEnabled false"
    assert mindie_server.broken(file) == [(path, said, right)]
    file["BackendConfig"]["interNodeTLSEnabled"] = False
    assert mindie_server.broken(file) == []


def test_other_kinds_are_passed_by() -> None:
    """They are told of as keys."""
    files: tuple[Any, ...] = ([], {}, {"ServerConfig": [], "BackendConfig": 1})
    for file in files:
        assert mindie_server.broken(file) == []
    assert _server(ipAddress=1, port="1025", tlsCaFile="ca.pem", httpsEnabled="true") == []
