"""
The ``config.json`` that each published version of MindIE ships: the same keys in the same order
with the same values, in a layout of our own.

Read from the defaults in MindIE-LLM's repository (3.0.0alpha1, 3.0.0.beta.1, 3.0.0), from a copy
that GPUStack carries (2.3.0), from the documentation (2.2.RC1, less its slip
``interNodeTlsCrlfiles`` and its ``Version``, which is 1.0.0 in every real file) and from files that
people had edited (older ones: their keys, and the newer files' values where theirs were edits). Of
2.1.RC1 no file was seen: it is expected to have 2.0.RC1's keys.
"""

import json
from typing import Any, NamedTuple

VERSIONS = (
    *("1.0.RC3", "1.0.0", "2.0.T3", "2.0.RC1", "2.1.RC1", "2.2.RC1", "2.3.0"),
    *("3.0.0alpha1", "3.0.0.beta.1", "3.0.0"),
)


class _Row(NamedTuple):
    """A key: what it holds, from which version on, and before which it is gone again."""

    key: str
    value: Any
    since: str = VERSIONS[0]
    until: str | None = None


def config(version: str) -> str:
    """Return the text of the file that a version ships."""
    return json.dumps(document(version), indent=4) + "\n"


def document(version: str) -> dict[str, Any]:
    """Return what that file holds."""
    return _section(_FILE, VERSIONS.index(version))


def _section(rows: tuple[_Row, ...], at: int) -> dict[str, Any]:
    return {row.key: _value(row.value, at) for row in rows if _has(row, at)}


def _has(row: _Row, at: int) -> bool:
    gone = len(VERSIONS) if row.until is None else VERSIONS.index(row.until)
    return VERSIONS.index(row.since) <= at < gone


def _value(value: Any, at: int) -> Any:
    """Rows are an object; rows in a list are a list of one object."""
    if isinstance(value, tuple):
        return _section(value, at)
    if isinstance(value, list) and value and isinstance(value[0], tuple):
        return [_section(rows, at) for rows in value]
    return value


def _crl(prefix: str, old: str, folder: str, since: str = "1.0.RC3") -> tuple[_Row, ...]:
    """A list of revoked certificates: a path, and since 2.0.T3 a folder and names in it."""
    return (
        _Row(f"{prefix}Crl", old, since, until="2.0.T3"),
        _Row(f"{prefix}CrlPath", folder, since="2.0.T3"),
        _Row(f"{prefix}CrlFiles", ["server_crl.pem"], since="2.0.T3"),
    )


def _between(prefix: str, since: str, old: str) -> tuple[_Row, ...]:
    """The authority of traffic between nodes: a path, and since 2.0.T3 a folder and names in it."""
    return (
        _Row(f"{prefix}CaFile", old, since, until="2.0.T3"),
        _Row(f"{prefix}CaPath", "security/grpc/ca/", since="2.0.T3"),
        _Row(f"{prefix}CaFiles", ["ca.pem"], since="2.0.T3"),
    )


def _keystore(prefix: str, until: str) -> tuple[_Row, ...]:
    first = prefix + ("KmcKsf" if prefix else "kmcKsf")
    return (
        _Row(f"{first}Master", "tools/pmt/master/ksfa", until=until),
        _Row(f"{first}Standby", "tools/pmt/standby/ksfb", until=until),
    )


_OLD_LOG = (
    _Row("logLevel", "Info"),
    _Row("logFileSize", 20),
    _Row("logFileNum", 20),
    _Row("logPath", "logs/mindservice.log", until="2.0.T3"),
    _Row("logPath", "logs/mindie-server.log", since="2.0.T3"),
)

_HEALTH = (_Row("npuUsageThreshold", 0),)

_SERVER = (
    _Row("ipAddress", "127.0.0.1"),
    _Row("managementIpAddress", "127.0.0.2"),
    _Row("port", 1025),
    _Row("managementPort", 1026),
    _Row("metricsPort", 1027, since="1.0.0"),
    _Row("allowAllZeroIpListening", False, since="1.0.0"),
    _Row("maxLinkNum", 1000),
    _Row("httpsEnabled", True),
    _Row("fullTextEnabled", False),
    _Row("tlsCaPath", "security/ca/"),
    _Row("tlsCaFile", ["ca.pem"]),
    _Row("tlsCert", "security/certs/server.pem"),
    _Row("tlsPk", "security/keys/server.key.pem"),
    _Row("tlsPkPwd", "security/pass/key_pwd.txt", until="3.0.0.beta.1"),
    *_crl("tls", "security/certs/server_crl.pem", "security/certs/"),
    _Row("managementTlsCaFile", ["management_ca.pem"]),
    _Row("managementTlsCert", "security/certs/management_server.pem", until="1.0.0"),
    _Row("managementTlsCert", "security/certs/management/server.pem", since="1.0.0"),
    _Row("managementTlsPk", "security/keys/management_server.key.pem", until="1.0.0"),
    _Row("managementTlsPk", "security/keys/management/server.key.pem", since="1.0.0"),
    _Row("managementTlsPkPwd", "security/pass/management_mindie_server_key_pwd.txt", until="1.0.0"),
    _Row("managementTlsPkPwd", "security/pass/management/key_pwd.txt", "1.0.0", "3.0.0.beta.1"),
    _Row("managementTlsCrl", "security/certs/management_server_crl.pem", until="1.0.0"),
    *_crl(
        "managementTls",
        old="security/certs/management/server_crl.pem",
        folder="security/management/certs/",
        since="1.0.0",
    ),
    _Row("metricsTlsCaFile", ["metrics_ca.pem"], since="3.0.0alpha1"),
    _Row("metricsTlsCert", "security/certs/metrics/server.pem", since="3.0.0alpha1"),
    _Row("metricsTlsPk", "security/keys/metrics/server.key.pem", since="3.0.0alpha1"),
    _Row("metricsTlsPkPwd", "security/pass/metrics/key_pwd.txt", "3.0.0alpha1", "3.0.0.beta.1"),
    _Row("metricsTlsCrlPath", "security/metrics/certs/", since="3.0.0alpha1"),
    _Row("metricsTlsCrlFiles", ["server_crl.pem"], since="3.0.0alpha1"),
    *_keystore("", until="3.0.0.beta.1"),
    _Row("inferMode", "standard"),
    _Row("pdInterNodeTLSEnabled", False, until="1.0.0"),
    _Row("pdCommunicationPort", 1121, until="1.0.0"),
    _Row("interNodeTlsCaFile", "security/ca/ca.pem", until="1.0.0"),
    _Row("interNodeTlsCert", "security/certs/server.pem", until="1.0.0"),
    _Row("interNodeTlsPk", "security/keys/server.key.pem", until="1.0.0"),
    _Row("interNodeTlsPkPwd", "security/pass/mindie_server_key_pwd.txt", until="1.0.0"),
    *_keystore("interNode", until="1.0.0"),
    _Row("interCommTLSEnabled", False, since="1.0.0", until="2.0.T3"),
    _Row("interCommTLSEnabled", True, since="2.0.T3"),
    _Row("interCommPort", 1121, since="1.0.0"),
    *_between("interCommTls", "1.0.0", "security/grpc/ca/ca.pem"),
    _Row("interCommTlsCert", "security/grpc/certs/server.pem", since="1.0.0"),
    _Row("interCommPk", "security/grpc/keys/server.key.pem", since="1.0.0"),
    _Row("interCommPkPwd", "security/grpc/pass/key_pwd.txt", "1.0.0", "3.0.0.beta.1"),
    *_crl("interCommTls", "security/certs/server_crl.pem", "security/grpc/certs/", since="1.0.0"),
    _Row("openAiSupport", "vllm", since="1.0.0"),
    _Row("tokenTimeout", 600, since="2.0.RC1"),
    _Row("e2eTimeout", 600, since="2.0.RC1"),
    _Row("distDPServerEnabled", False, since="2.0.RC1"),
    _Row("layerwiseDisaggregated", False, since="2.3.0"),
    _Row("layerwiseDisaggregatedRoleType", "", since="2.3.0"),
    _Row("layerwiseDisaggregatedMasterIpAddress", "127.0.0.3", since="2.3.0"),
    _Row("layerwiseDisaggregatedSlaveIpAddress", ["127.0.0.4"], since="2.3.0"),
    _Row("layerwiseDisaggregatedDataPort", 10024, since="2.3.0"),
    _Row("layerwiseDisaggregatedCrtlPort", [10001, 10002], since="2.3.0"),
    _Row("HealthCheckConfig", _HEALTH, since="2.3.0", until="3.0.0alpha1"),
    _Row("HealthCheckConfig", _HEALTH, since="3.0.0"),
)

_MODEL = (
    _Row("modelInstanceType", "Standard"),
    _Row("modelName", "llama_65b"),
    _Row("modelWeightPath", "/data/atb_testdata/weights/llama1-65b-safetensors"),
    _Row("worldSize", 4),
    _Row("cpuMemSize", 5, until="2.3.0"),
    _Row("cpuMemSize", 0, since="2.3.0"),
    _Row("npuMemSize", -1),
    _Row("backendType", "atb"),
    _Row("trustRemoteCode", False, since="2.0.T3"),
    _Row("async_scheduler_wait_time", 120, since="2.2.RC1"),
    _Row("kv_trans_timeout", 10, since="2.2.RC1"),
    _Row("kv_link_timeout", 1080, since="2.2.RC1"),
    _Row(
        "models",
        (
            _Row("layerwiseDisaggregatedMasterDeviceNum", 2),
            _Row("layerwiseDisaggregatedSlaveDeviceNum", 8),
        ),
        since="3.0.0alpha1",
    ),
)

_DEPLOY = (
    _Row("maxSeqLen", 2560),
    _Row("maxInputTokenLen", 2048),
    _Row("truncation", False, until="3.0.0"),
    _Row("truncation", 0, since="3.0.0"),
    _Row("ModelConfig", [_MODEL]),
)

_SCHEDULE = (
    _Row("templateType", "Standard"),
    _Row("templateName", "Standard_LLM"),
    _Row("cacheBlockSize", 128),
    _Row("maxPrefillBatchSize", 50),
    _Row("maxPrefillTokens", 8192),
    _Row("prefillTimeMsPerReq", 150),
    _Row("prefillPolicyType", 0),
    _Row("decodeTimeMsPerReq", 50),
    _Row("decodePolicyType", 0),
    _Row("maxBatchSize", 200),
    _Row("maxIterTimes", 512),
    _Row("maxPreemptCount", 0),
    _Row("supportSelectBatch", False),
    _Row("maxQueueDelayMicroseconds", 5000),
    _Row("maxFirstTokenWaitTime", 2500, since="2.2.RC1"),
)

_BACKEND = (
    _Row("backendName", "mindieservice_llm_engine"),
    _Row("modelInstanceNumber", 1),
    _Row("npuDeviceIds", [[0, 1, 2, 3]]),
    _Row("tokenizerProcessNumber", 8),
    _Row("multiNodesInferEnabled", False),
    _Row("multiNodesInferPort", 1120),
    _Row("interNodeTLSEnabled", True),
    _Row("interNodeTlsCaFile", "security/ca/ca.pem", until="1.0.0"),
    *_between("interNodeTls", "1.0.0", "security/grpc/ca/ca.pem"),
    _Row("interNodeTlsCert", "security/certs/server.pem", until="1.0.0"),
    _Row("interNodeTlsCert", "security/grpc/certs/server.pem", since="1.0.0"),
    _Row("interNodeTlsPk", "security/keys/server.key.pem", until="1.0.0"),
    _Row("interNodeTlsPk", "security/grpc/keys/server.key.pem", since="1.0.0"),
    _Row("interNodeTlsPkPwd", "security/pass/mindie_server_key_pwd.txt", until="1.0.0"),
    _Row(
        "interNodeTlsPkPwd",
        "security/grpc/pass/mindie_server_key_pwd.txt",
        since="1.0.0",
        until="3.0.0.beta.1",
    ),
    *_crl(
        "interNodeTls",
        old="security/grpc/certs/server_crl.pem",
        folder="security/grpc/certs/",
        since="1.0.0",
    ),
    *_keystore("interNode", until="3.0.0.beta.1"),
    _Row("kvPoolConfig", (_Row("backend", ""), _Row("configPath", "")), since="3.0.0alpha1"),
    _Row("ModelDeployConfig", _DEPLOY),
    _Row("ScheduleConfig", _SCHEDULE),
)

_LOG = (
    _Row("dynamicLogLevel", ""),
    _Row("dynamicLogLevelValidHours", 2),
    _Row("dynamicLogLevelValidTime", ""),
)

_FILE = (
    _Row("Version", "1.0.0"),
    _Row("LogConfig", _OLD_LOG, until="2.0.RC1"),
    _Row("ServerConfig", _SERVER),
    _Row("BackendConfig", _BACKEND),
    _Row("LogConfig", _LOG, since="2.2.RC1"),
    _Row("EnableDynamicAdjustTimeoutConfig", False, since="2.3.0"),
)
