"""Keys that MindIE misses and kinds that it refuses, in its words."""

from typing import Any

import mindie_keys
import pytest

from tests.roles.mindie_files import ABSENT, MODEL, changed
from tests.standins.mindie import shipped

_SHIPS = "should be there, as in the file that MindIE ships"
_DEPLOY, _SCHEDULE = "BackendConfig.ModelDeployConfig", "BackendConfig.ScheduleConfig"
_JSON = "JSON error in ConfigManager: [json.exception.type_error.302] type must be "


@pytest.mark.parametrize("version", shipped.VERSIONS)
def test_shipped_files_are_right(version: str) -> None:
    """With the version known, and told by the keys."""
    assert mindie_keys.broken(shipped.document(version), version) == []
    assert mindie_keys.broken(shipped.document(version)) == []


def _missing(key: str) -> str:
    return f"[ParamChecker::CheckJsonParamType] {key}: missing compulsory field"


@pytest.mark.parametrize(
    ("path", "value", "said", "right"),
    [
        (
            "ServerConfig",
            ABSENT,
            "ServerConfig: [json.exception.out_of_range.403] key 'ServerConfig' not found",
            "should be an object",
        ),
        ("ServerConfig", [], _missing("ipAddress"), "should be an object"),
        ("ServerConfig.ipAddress", ABSENT, _missing("ipAddress"), _SHIPS),
        ("ServerConfig.metricsPort", ABSENT, _missing("metricsPort"), _SHIPS),
        ("ServerConfig.tokenTimeout", ABSENT, _missing("tokenTimeout"), _SHIPS),
        (f"{MODEL}.trustRemoteCode", ABSENT, _missing("trustRemoteCode"), _SHIPS),
        (f"{_SCHEDULE}.maxIterTimes", ABSENT, _missing("maxIterTimes"), _SHIPS),
        ("BackendConfig.ScheduleConfig", ABSENT, _missing("ScheduleConfig"), _SHIPS),
        (
            "BackendConfig.ModelDeployConfig",
            ABSENT,
            "The size of npuDeviceIds (subset) does not equal to worldSize",
            "should be an object",
        ),
        (
            "ServerConfig.distDPServerEnabled",
            ABSENT,
            _JSON + "boolean, but is null",
            "should be there, as MindIE ships it",
        ),
        (
            "BackendConfig.interNodeTLSEnabled",
            ABSENT,
            _JSON + "boolean, but is null",
            "should be there, as MindIE ships it",
        ),
        (
            "ServerConfig.interCommPort",
            "1121",
            _JSON + "number, but is string",
            "should be a port",
        ),
        (
            "ServerConfig.port",
            "1025",
            "The type of param port should be int32_t, but got string",
            "should be a whole number",
        ),
        (
            "ServerConfig.httpsEnabled",
            "false",
            "The type of param httpsEnabled should be bool, but got string",
            "should be true or false",
        ),
        (
            "ServerConfig.ipAddress",
            None,
            "The type of param ipAddress should be string, but got null",
            "should be a string",
        ),
        (
            "ServerConfig.tlsCaFile",
            "ca.pem",
            "The type of param tlsCaFile should be array, but is string",
            "should be a list",
        ),
        (
            "ServerConfig.maxLinkNum",
            -1,
            "The value of param maxLinkNum for uint32_t is invalid.",
            "should be a whole number, 0 or greater",
        ),
        (
            f"{_DEPLOY}.maxSeqLen",
            2560.0,
            "The type of param maxSeqLen should be uint32_t, but got number",
            "should be a whole number, 0 or greater",
        ),
        (
            f"{_DEPLOY}.truncation",
            "no",
            'The value of truncation "no" is invalid, use default value.',
            "should be true, false, -1, 0 or 1",
        ),
        (
            f"{_DEPLOY}.ModelConfig",
            {"modelName": "chat"},
            "The type of ModelConfig should be array.",
            "should be a list of one object",
        ),
        (
            f"{MODEL}.worldSize",
            True,
            "The type of param worldSize should be uint32_t, but got boolean",
            "should be a whole number, 0 or greater",
        ),
        (
            "BackendConfig.kvPoolConfig",
            "",
            "The type of param kvPoolConfig should be object, but got string",
            "should be an object",
        ),
        (
            "BackendConfig.npuDeviceIds",
            [0, 1, 2, 3],
            "The type of param in each npuDeviceIds set should be array, but is number",
            "should be lists of numbers from 0, as in [[0, 1]]",
        ),
        (
            "BackendConfig.npuDeviceIds",
            [[0, 1, 2, -3]],
            "The values of npu_ids should not be less than 0, but got -3",
            "should be lists of numbers from 0, as in [[0, 1]]",
        ),
        (
            "BackendConfig.npuDeviceIds",
            [["0", "1", "2", "3"]],
            "Type of element in json array does not match integer",
            "should be lists of numbers from 0, as in [[0, 1]]",
        ),
    ],
)
def test_broken(path: str, value: Any, said: str, right: str) -> None:
    assert mindie_keys.broken(changed({path: value})) == [(path, said, right)]


def test_no_object() -> None:
    said = "ServerConfig: [json.exception.type_error.304] cannot use at() with array"
    assert mindie_keys.broken([]) == [("", said, "should be an object")]


def test_all_at_once() -> None:
    """MindIE would tell the first."""
    file = changed({"ServerConfig.port": "1025", f"{_SCHEDULE}.maxBatchSize": "200"})
    assert [path for path, _, _ in mindie_keys.broken(file)] == [
        "ServerConfig.port",
        f"{_SCHEDULE}.maxBatchSize",
    ]


@pytest.mark.parametrize(
    ("key", "since", "before"),
    [
        ("ServerConfig.metricsPort", "1.0.0", "1.0.RC3"),
        ("ServerConfig.allowAllZeroIpListening", "1.0.0", "1.0.RC3"),
        (f"{MODEL}.trustRemoteCode", "2.0.T3", "1.0.0"),
        ("ServerConfig.e2eTimeout", "2.0.RC1", "2.0.T3"),
    ],
)
def test_a_key_is_missed_since_it_came(key: str, since: str, before: str) -> None:
    file = changed({key: ABSENT}, since)
    assert [path for path, _, _ in mindie_keys.broken(file, since)] == [key]
    assert [path for path, _, _ in mindie_keys.broken(file)] == [key]
    assert mindie_keys.broken(file, before) == []
    assert mindie_keys.broken(shipped.document(before)) == []


def test_truncation_was_a_switch() -> None:
    file = changed({f"{_DEPLOY}.truncation": 1}, "2.3.0")
    said = "The type of param truncation should be bool, but got number"
    right = "should be true or false"
    assert mindie_keys.broken(file, "2.3.0") == [(f"{_DEPLOY}.truncation", said, right)]
    assert mindie_keys.broken(changed({f"{_DEPLOY}.truncation": 1}), "3.0.0") == []
