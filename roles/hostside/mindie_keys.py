"""
Which keys MindIE's ``config.json`` has to have and what kind each holds, with the words in which
its own start refuses.

Read in MindIE-LLM (May 2026, the line of 3.0.0), ``src/config_manager``: the keys listed in each
``*_config.cpp``, and ``param_checker.cpp``. MindIE stops at the first that is wrong; here all are
told. What values may be is in ``mindie_rules``. Older generations published no source: they are
judged alike, less the keys that came later.
"""

from __future__ import annotations

import json
import re
from typing import Any, Dict, Iterator, List, NamedTuple, Tuple

# Where, how MindIE says it, what would be right.
Broken = Tuple[str, str, str]


class _Key(NamedTuple):
    """What a key holds; ``since``: the version from which it has to be there."""

    kind: str
    since: str | None


def _keys(kind: str, names: str, since: str | None = None) -> Dict[str, _Key]:
    return {name: _Key(kind, since) for name in names.split()}


_EVER = "0"
_TLS = ("tls", "managementTls", "metricsTls")

_SERVER = {
    **_keys("string", "ipAddress inferMode", _EVER),
    **_keys("int32_t", "port", _EVER),
    **_keys("uint32_t", "maxLinkNum", _EVER),
    **_keys("bool", "httpsEnabled", _EVER),
    **_keys("bool", "allowAllZeroIpListening", "1.0.0"),
    **_keys("int32_t", "metricsPort", "1.0.0"),
    **_keys("int32_t", "tokenTimeout e2eTimeout", "2.0.RC1"),
    **_keys("string", "managementIpAddress openAiSupport tlsCaPath"),
    **_keys("string", " ".join(p + k for p in _TLS for k in ("Cert", "Pk", "CrlPath"))),
    **_keys("array", " ".join(p + k for p in _TLS for k in ("CaFile", "CrlFiles"))),
    **_keys("int32_t", "managementPort layerwiseDisaggregatedDataPort"),
    **_keys("uint32_t", "npuUsageThreshold maxRequestLength maxJsonDepth"),
    **_keys("bool", "fullTextEnabled distDPServerEnabled layerwiseDisaggregated"),
    **_keys("string", "layerwiseDisaggregatedRoleType layerwiseDisaggregatedMasterIpAddress"),
    **_keys("array", "layerwiseDisaggregatedSlaveIpAddress layerwiseDisaggregatedCrtlPort"),
}
_BACKEND = {
    **_keys("string", "backendName", _EVER),
    **_keys("uint32_t", "tokenizerProcessNumber modelInstanceNumber", _EVER),
    **_keys("array", "npuDeviceIds", _EVER),
    **_keys("object", "ScheduleConfig", _EVER),
    **_keys("bool", "multiNodesInferEnabled interNodeTLSEnabled"),
    **_keys("int32_t", "multiNodesInferPort"),
    **_keys("string", "interNodeTlsCaPath interNodeTlsCert interNodeTlsPk interNodeTlsCrlPath"),
    **_keys("array", "interNodeTlsCaFiles interNodeTlsCrlFiles"),
    **_keys("object", "kvPoolConfig layerwiseDisaggregated"),
}
_DEPLOY = {
    **_keys("uint32_t", "maxSeqLen maxInputTokenLen", _EVER),
    **_keys("uint32_t", "maxLoras maxLoraRank"),
}
_MODEL = {
    **_keys("string", "modelName modelWeightPath backendType", _EVER),
    **_keys("uint32_t", "worldSize cpuMemSize", _EVER),
    **_keys("int32_t", "npuMemSize", _EVER),
    **_keys("bool", "trustRemoteCode", "2.0.T3"),
    **_keys("string", "pluginParams"),
}
_SCHEDULE = {
    **_keys("string", "templateType templateName", _EVER),
    **_keys("uint32_t", "cacheBlockSize maxPrefillBatchSize maxPrefillTokens maxBatchSize", _EVER),
    **_keys("uint32_t", "prefillTimeMsPerReq prefillPolicyType maxPreemptCount", _EVER),
    **_keys("uint32_t", "decodeTimeMsPerReq decodePolicyType maxIterTimes", _EVER),
    **_keys("uint32_t", "maxQueueDelayMicroseconds", _EVER),
    **_keys("bool", "supportSelectBatch", _EVER),
    **_keys("bool", "dynamicBatchSizeEnable enablePrefixCache enableSplit enablChunkedPrefill"),
    **_keys("bool", "splitType splitStartType bufferResponseEnabled distributedEnable"),
    **_keys("uint32_t", "stageSelectPolicy policyType splitChunkTokens splitStartBatchSize"),
    **_keys("uint32_t", "prefillExpectedTime decodeExpectedTime maxFirstTokenWaitTime maxN"),
    **_keys("object", "layerwiseDisaggregated"),
}


_SECTIONS = {
    "ServerConfig": _SERVER,
    "BackendConfig": _BACKEND,
    "BackendConfig.ModelDeployConfig": _DEPLOY,
    "BackendConfig.ScheduleConfig": _SCHEDULE,
}
# Read whatever they hold; those with a version have to be there from then on.
_READ = {
    "ServerConfig.distDPServerEnabled": ("boolean", "2.0.RC1"),
    "ServerConfig.interCommTLSEnabled": ("boolean", None),
    "ServerConfig.interCommPort": ("number", None),
    "BackendConfig.multiNodesInferEnabled": ("boolean", _EVER),
    "BackendConfig.interNodeTLSEnabled": ("boolean", _EVER),
}
# Keys that came with a generation, newest first.
_CAME = (
    ("3.0.0", "metricsTlsCert kvPoolConfig"),
    ("2.0.RC1", "tokenTimeout e2eTimeout distDPServerEnabled maxFirstTokenWaitTime"),
    ("2.0.T3", "tlsCrlFiles interNodeTlsCrlFiles trustRemoteCode"),
    ("1.0.0", "metricsPort allowAllZeroIpListening openAiSupport interCommPort"),
)
_LIMITS = {"int32_t": (-(2**31), 2**31 - 1), "uint32_t": (0, 2**32 - 1)}
_KINDS = {"string": str, "object": dict, "bool": bool}
_RIGHT = {
    "string": "a string",
    "object": "an object",
    "bool": "true or false",
    "array": "a list",
    "int32_t": "a whole number",
    "uint32_t": "a whole number, 0 or greater",
}


def broken(config: Any, version: str | None = None) -> List[Broken]:
    """
    Return every key that MindIE would refuse by itself.

    :param version: MindIE's; told by the keys that the file has unless given, since what stands
        under ``Version`` is 1.0.0 whatever the version
    """
    if not isinstance(config, dict):
        said = "ServerConfig: [json.exception.type_error.304] cannot use at() with {}"
        return [("", said.format(_called(config)), "should be an object")]
    at = order(version or generation(config))
    found: List[Broken] = []
    for path, keys in _SECTIONS.items():
        parent, _, name = path.rpartition(".")
        holder = config.get(parent) if parent else config
        if not isinstance(holder, dict):
            continue
        section = holder.get(name)
        if isinstance(section, dict):
            found += _section(path, section, keys, at)
        elif name not in _BACKEND:
            found.append((path, _absent(name, name in holder), "should be an object"))
    return found + list(_models(config, at))


def generation(config: Dict[str, Any]) -> str:
    """Return the version whose rules a file goes by, told by the newest of its keys."""
    there = json.dumps(config)
    for version, names in _CAME:
        if any('"{}":'.format(name) in there for name in names.split()):
            return version
    return _EVER


def order(version: str) -> Tuple[int, int, int]:
    """Put versions in the order in which they came: T, alpha, beta, RC, the release itself."""
    numbers = [int(part) for part in re.findall(r"\d+", version)]
    marks = ("t", "alpha", "beta", "rc")
    words = re.findall(r"[a-z]+", version.lower())
    mark = marks.index(words[0]) if words and words[0] in marks else len(marks)
    return numbers[0], numbers[1] if len(numbers) > 1 else 0, mark


def _absent(name: str, there: bool) -> str:
    """How MindIE misses a section; what is no object has no keys."""
    if name == "ModelDeployConfig":
        return "The size of npuDeviceIds (subset) does not equal to worldSize"
    if there:
        return _missing(next(key for key, one in _SECTIONS[name].items() if one.since))
    return "{0}: [json.exception.out_of_range.403] key '{0}' not found".format(name)


def _missing(name: str) -> str:
    return "[ParamChecker::CheckJsonParamType] {}: missing compulsory field".format(name)


def _section(
    path: str, section: Dict[str, Any], keys: Dict[str, _Key], at: Tuple[int, int, int]
) -> Iterator[Broken]:
    for name, key in keys.items():
        where = "{}.{}".format(path, name)
        if name not in section:
            if key.since and order(key.since) <= at:
                yield where, _missing(name), "should be there, as in the file that MindIE ships"
        else:
            said = _wrong_kind(name, key.kind, section[name])
            if said:
                right = "lists of numbers from 0, as in [[0, 1]]" if name == "npuDeviceIds" else ""
                yield where, said, "should be {}".format(right or _RIGHT[key.kind])
    yield from _read(path, section, at)


def _read(path: str, section: Dict[str, Any], at: Tuple[int, int, int]) -> Iterator[Broken]:
    said = "JSON error in ConfigManager: [json.exception.type_error.302] type must be {}, but is {}"
    for where, (kind, since) in _READ.items():
        parent, _, name = where.rpartition(".")
        if parent != path:
            continue
        if name not in section:
            if since and order(since) <= at:
                yield where, said.format(kind, "null"), "should be there, as MindIE ships it"
        elif not since and _called(section[name]) != kind:
            right = "true or false" if kind == "boolean" else "a port"
            yield where, said.format(kind, _called(section[name])), "should be {}".format(right)


def _models(config: Dict[str, Any], at: Tuple[int, int, int]) -> Iterator[Broken]:
    backend = config.get("BackendConfig")
    deploy = backend.get("ModelDeployConfig") if isinstance(backend, dict) else None
    if not isinstance(deploy, dict):
        return
    path = "BackendConfig.ModelDeployConfig"
    truncation = deploy.get("truncation", False)
    if type(truncation) is not bool and at < order("3.0.0"):
        said = "The type of param truncation should be bool, but got {}"
        yield path + ".truncation", said.format(_called(truncation)), "should be true or false"
    elif type(truncation) not in (bool, int):
        said = "The value of truncation {} is invalid, use default value."
        right = "should be true, false, -1, 0 or 1"
        yield path + ".truncation", said.format(json.dumps(truncation)), right
    models = deploy.get("ModelConfig")
    if not isinstance(models, list):
        said = "The type of ModelConfig should be array."
        yield path + ".ModelConfig", said, "should be a list of one object"
        return
    for index, model in enumerate(models):
        where = "{}.ModelConfig.{}".format(path, index)
        yield from _section(where, model if isinstance(model, dict) else {}, _MODEL, at)


def _wrong_kind(name: str, kind: str, value: Any) -> str | None:
    if kind == "array":
        if isinstance(value, list):
            return _wrong_set(value) if name == "npuDeviceIds" else None
        return "The type of param {} should be array, but is {}".format(name, _called(value))
    if kind in _LIMITS:
        if type(value) is not int:
            said = "The type of param {} should be {}, but got {}"
            return said.format(name, kind, _called(value))
        if _LIMITS[kind][0] <= value <= _LIMITS[kind][1]:
            return None
        return "The value of param {} for {} is invalid.".format(name, kind)
    if isinstance(value, _KINDS[kind]):
        return None
    return "The type of param {} should be {}, but got {}".format(name, kind, _called(value))


def _wrong_set(value: List[Any]) -> str | None:
    """Sets of numbers of chips."""
    for one in value:
        if not isinstance(one, list):
            said = "The type of param in each npuDeviceIds set should be array, but is {}"
            return said.format(_called(one))
        if any(type(number) is not int for number in one):
            return "Type of element in json array does not match integer"
        if any(number < 0 for number in one):
            said = "The values of npu_ids should not be less than 0, but got {}"
            return said.format(min(one))
    return None


def _called(value: Any) -> str:
    """The kind of a value, as MindIE's parser names it."""
    if value is None:
        return "null"
    kinds = ((bool, "boolean"), ((int, float), "number"), (str, "string"), (list, "array"))
    return next((name for kind, name in kinds if isinstance(value, kind)), "object")
