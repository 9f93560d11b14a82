"""What the stand-in ships comes and goes with the versions as the published files say."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.mindie import shipped


def _keys(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            yield from _keys(item, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for index, item in enumerate(value):
            yield from _keys(item, f"{path}.{index}")
    else:
        yield path


def _of(version: str) -> list[str]:
    return list(_keys(json.loads(shipped.config(version))))


@pytest.mark.parametrize(
    ("version", "keys"),
    [
        ("1.0.RC3", 71),
        ("1.0.0", 74),
        ("2.0.T3", 81),
        ("2.0.RC1", 80),
        ("2.1.RC1", 80),
        ("2.2.RC1", 87),
        ("2.3.0", 95),
        ("3.0.0alpha1", 104),
        ("3.0.0.beta.1", 95),
        ("3.0.0", 96),
    ],
)
def test_as_many_keys_as_the_published_file(version: str, keys: int) -> None:
    assert len(_of(version)) == keys


def _change(before: str, after: str) -> tuple[list[str], list[str]]:
    """What came and what went, by the key alone."""
    old, new = _of(before), _of(after)
    return (
        [key.rsplit(".", 1)[-1] for key in new if key not in old],
        [key.rsplit(".", 1)[-1] for key in old if key not in new],
    )


def test_metrics_and_listening_come_with_1_0_0() -> None:
    came, went = _change("1.0.RC3", "1.0.0")

    assert {"metricsPort", "allowAllZeroIpListening", "openAiSupport"} <= set(came)
    assert "interNodeTlsCrl" in came
    assert {"pdInterNodeTLSEnabled", "pdCommunicationPort"} <= set(went)


def test_revoked_certificates_become_a_folder_and_names_with_2_0_t3() -> None:
    came, went = _change("1.0.0", "2.0.T3")

    assert came == [
        *("tlsCrlPath", "tlsCrlFiles", "managementTlsCrlPath", "managementTlsCrlFiles"),
        *("interCommTlsCaPath", "interCommTlsCaFiles"),
        *("interCommTlsCrlPath", "interCommTlsCrlFiles"),
        *("interNodeTlsCaPath", "interNodeTlsCaFiles"),
        *("interNodeTlsCrlPath", "interNodeTlsCrlFiles", "trustRemoteCode"),
    ]
    assert went == [
        *("tlsCrl", "managementTlsCrl", "interCommTlsCaFile", "interCommTlsCrl"),
        *("interNodeTlsCaFile", "interNodeTlsCrl"),
    ]


def test_logs_go_and_time_limits_come_with_2_0_rc1() -> None:
    came, went = _change("2.0.T3", "2.0.RC1")

    assert came == ["tokenTimeout", "e2eTimeout", "distDPServerEnabled"]
    assert went == ["logLevel", "logFileSize", "logFileNum", "logPath"]


def test_logs_come_back_with_2_2_rc1() -> None:
    came, went = _change("2.1.RC1", "2.2.RC1")

    assert came == [
        *("async_scheduler_wait_time", "kv_trans_timeout", "kv_link_timeout"),
        *("maxFirstTokenWaitTime", "dynamicLogLevel", "dynamicLogLevelValidHours"),
        "dynamicLogLevelValidTime",
    ]
    assert went == []


def test_health_check_goes_with_the_alpha_and_comes_back() -> None:
    with_it = [version for version in shipped.VERSIONS if "HealthCheck" in shipped.config(version)]

    assert with_it == ["2.3.0", "3.0.0"]


def test_passwords_and_their_keystore_go_with_3_0_0_beta_1() -> None:
    came, went = _change("3.0.0alpha1", "3.0.0.beta.1")

    assert came == []
    assert went == [
        *("tlsPkPwd", "managementTlsPkPwd", "metricsTlsPkPwd", "kmcKsfMaster", "kmcKsfStandby"),
        *("interCommPkPwd", "interNodeTlsPkPwd"),
        *("interNodeKmcKsfMaster", "interNodeKmcKsfStandby"),
    ]


def test_values_that_changed_under_the_same_key() -> None:
    deployed = {
        version: shipped.document(version)["BackendConfig"]["ModelDeployConfig"]
        for version in shipped.VERSIONS
    }

    assert deployed["2.2.RC1"]["ModelConfig"][0]["cpuMemSize"] == 5
    assert deployed["2.3.0"]["ModelConfig"][0]["cpuMemSize"] == 0
    assert deployed["3.0.0.beta.1"]["truncation"] is False
    assert deployed["3.0.0"]["truncation"] == 0
    assert type(deployed["3.0.0"]["truncation"]) is int


def test_no_file_says_its_version() -> None:
    assert {shipped.document(version)["Version"] for version in shipped.VERSIONS} == {"1.0.0"}
