"""
The types of the settings, after ``g_*Constraint`` of ``src/config_manager/*_config.cpp``.

Which are compulsory is of the newest source. A version that does not ship one did not know it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from . import journal

Section = Mapping[str, Any]

SERVER = {
    **dict.fromkeys(("ipAddress", "inferMode"), "string!"),
    **dict.fromkeys(
        (
            *("managementIpAddress", "tlsCert", "tlsCrlPath", "tlsCaPath", "tlsPk"),
            *("managementTlsCert", "managementTlsCrlPath", "managementTlsPk"),
            *("metricsTlsCert", "metricsTlsCrlPath", "metricsTlsPk", "openAiSupport"),
        ),
        "string",
    ),
    **dict.fromkeys(("port", "metricsPort", "tokenTimeout", "e2eTimeout"), "int32_t!"),
    "managementPort": "int32_t",
    "maxLinkNum": "uint32_t!",
    "maxRequestLength": "uint32_t",
    "npuUsageThreshold": "uint32_t",
    **dict.fromkeys(("httpsEnabled", "allowAllZeroIpListening"), "bool!"),
    **dict.fromkeys(("fullTextEnabled", "layerwiseDisaggregated"), "bool"),
    **dict.fromkeys(
        (
            *("tlsCrlFiles", "tlsCaFile", "managementTlsCrlFiles", "managementTlsCaFile"),
            *("metricsTlsCrlFiles", "metricsTlsCaFile"),
        ),
        "array",
    ),
    # Read whether it is there or not.
    "distDPServerEnabled": "bool!!",
}
BACKEND = {
    "backendName": "string!",
    **dict.fromkeys(("tokenizerProcessNumber", "modelInstanceNumber"), "uint32_t!"),
    "multiNodesInferPort": "int32_t",
    "npuDeviceIds": "array!",
    "ScheduleConfig": "object!",
    "kvPoolConfig": "object",
    **dict.fromkeys(("interNodeTlsCaPath", "interNodeTlsCert", "interNodeTlsPk"), "string"),
    **dict.fromkeys(("multiNodesInferEnabled", "interNodeTLSEnabled"), "bool!!"),
}
SCHEDULE = {
    **dict.fromkeys(("templateName", "templateType"), "string!"),
    **dict.fromkeys(
        (
            *("cacheBlockSize", "decodePolicyType", "decodeTimeMsPerReq", "maxBatchSize"),
            *("maxPreemptCount", "maxPrefillTokens", "maxIterTimes", "maxPrefillBatchSize"),
            *("maxQueueDelayMicroseconds", "prefillPolicyType", "prefillTimeMsPerReq"),
        ),
        "uint32_t!",
    ),
    "supportSelectBatch": "bool!",
    **dict.fromkeys(
        (
            *("stageSelectPolicy", "policyType", "splitChunkTokens", "splitStartBatchSize"),
            *("prefillExpectedTime", "decodeExpectedTime", "maxFirstTokenWaitTime"),
            "maxBeamWidth",
        ),
        "uint32_t",
    ),
    **dict.fromkeys(
        ("dynamicBatchSizeEnable", "bufferResponseEnabled", "distributedEnable"), "bool"
    ),
}
DEPLOY = {
    **dict.fromkeys(("maxSeqLen", "maxInputTokenLen"), "uint32_t!"),
    **dict.fromkeys(("maxLoras", "maxLoraRank"), "uint32_t"),
}
MODEL = {
    **dict.fromkeys(("cpuMemSize", "worldSize"), "uint32_t!"),
    "npuMemSize": "int32_t!",
    **dict.fromkeys(("modelWeightPath", "modelName", "backendType"), "string!"),
    **dict.fromkeys(("modelInstanceType", "pluginParams"), "string"),
    "trustRemoteCode": "bool!",
}

_NAMES: dict[type, str] = {
    **{bool: "boolean", int: "number", float: "number", str: "string", list: "array"},
    **{dict: "object", type(None): "null"},
}
_WHOLE = {"int32_t": (-(2**31), 2**31 - 1), "uint32_t": (0, 2**32 - 1), "size_t": (0, 2**64 - 1)}
_OTHERS: dict[str, type] = {"string": str, "bool": bool, "object": dict}


def mistake(section: Section, wanted: Mapping[str, str], shipped: Section) -> str | None:
    """Return what is wrong with the first key of a section that is not as it has to be."""
    for key, kind in wanted.items():
        if key not in section:
            if kind.endswith("!!") and key in shipped:
                return (
                    "[json.exception.type_error.302] type must be boolean, but is null: "
                    f"{key} is not there"
                )
            if kind.endswith("!") and key in shipped:
                return f"[ParamChecker::CheckJsonParamType] {key}: missing compulsory field"
            continue
        told = _mistyped(key, section[key], kind.rstrip("!"))
        if told:
            return told
    return None


def _mistyped(key: str, value: object, kind: str) -> str | None:
    if kind in _WHOLE:
        if not whole(value):
            return f"The type of param {key} should be {kind}, but got {_NAMES[type(value)]}"
        least, most = _WHOLE[kind]
        if not least <= int(str(value)) <= most:
            if least == 0 and int(str(value)) < 0:
                journal.warn(f"Negative value is invalid for {kind}.")
            return f"The value of param {key} for {kind} is invalid."
    elif kind == "array":
        # The source refuses it without a word; the words are ours.
        if not isinstance(value, list):
            return f"The type of param {key} should be array, but got {_NAMES[type(value)]}"
    elif not isinstance(value, _OTHERS[kind]):
        return f"The type of param {key} should be {kind}, but got {_NAMES[type(value)]}"
    return None


def whole(value: object) -> bool:
    """Whether it is a whole number, which ``true`` is not."""
    return isinstance(value, int) and not isinstance(value, bool)


def truncation(value: object, shipped: object) -> str | None:
    """Return what is wrong with ``truncation``: a switch, and since 3.0.0 one of three numbers."""
    if isinstance(value, bool) or (not isinstance(shipped, bool) and value in (-1, 0, 1)):
        return None
    return f"The type of param truncation should be bool, but got {_NAMES[type(value)]}"


def devices(backend: Section) -> str | None:
    """Return what is wrong with ``npuDeviceIds``, as far as it is found before all else."""
    ids = backend["npuDeviceIds"]
    for chips in ids:
        if not isinstance(chips, list):
            kind = _NAMES[type(chips)]
            return f"The type of param in each npuDeviceIds set should be array, but is {kind}"
        for chip in chips:
            if not whole(chip):
                return "Type of element in json array does not match integer"
            if chip < 0:
                return f"The values of npu_ids should not be less than 0, but got {chip}"
    if len(ids) != backend["modelInstanceNumber"]:
        return "The size of npuDeviceIds does not equal to modelInstanceNumber"
    models = backend.get("ModelDeployConfig", {}).get("ModelConfig") or [{}]
    if any(len(chips) != models[0].get("worldSize") for chips in ids):
        return "The size of npuDeviceIds (subset) does not equal to worldSize"
    return None
