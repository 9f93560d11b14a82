"""
The values of the settings, after ``CheckParam`` of ``src/config_manager/*_config.cpp``.

Each yields what is wrong, and whether it is printed (``True``) or goes to the log alone.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from typing import Any

Section = Mapping[str, Any]
Told = Iterator[tuple[str, bool]]

_MOST_TOKENS = 4194304
_NAME = re.compile(r"[a-zA-Z0-9_.-]{1,256}")
_SCHEDULE: tuple[tuple[str, int, int | str], ...] = (
    ("cacheBlockSize", 1, 128),
    ("decodePolicyType", -1, 3),
    ("decodeTimeMsPerReq", 0, 1000),
    ("maxBatchSize", 1, 819200),
    ("maxPrefillTokens", 1, _MOST_TOKENS),
    ("maxPrefillBatchSize", 1, "maxBatchSize"),
    ("maxQueueDelayMicroseconds", 500, 1000000),
    ("maxFirstTokenWaitTime", 0, 3600000),
    ("prefillPolicyType", -1, 3),
    ("prefillTimeMsPerReq", 0, 1000),
    ("stageSelectPolicy", 0, 2),
    ("prefillExpectedTime", 1, 10000),
    ("decodeExpectedTime", 1, 10000),
)
_SERVER = (
    ("port", 1024, 65535),
    ("managementPort", 1024, 65535),
    ("metricsPort", 1024, 65535),
    ("maxLinkNum", 1, 4096),
    ("tokenTimeout", 1, 3600),
    ("e2eTimeout", 1, 65535),
    ("maxRequestLength", 1, 100),
    ("interCommPort", 1024, 65535),
)
_BACKEND = (
    ("modelInstanceNumber", 1, 10),
    ("tokenizerProcessNumber", 1, 32),
    ("multiNodesInferPort", 1024, 65535),
)


def schedule(section: Section) -> Told:
    """What is wrong with ``ScheduleConfig``; one value out of its range hides the next."""
    values = dict(section)
    values["maxPrefillBatchSize"] = values["maxPrefillBatchSize"] or values["maxBatchSize"]
    for key, least, limit in _SCHEDULE:
        if key not in values:
            continue
        value, most = values[key], values[limit] if isinstance(limit, str) else limit
        if least < 0 and value > most:
            yield (
                f"scheduleParam.{key} [{value}] is outside the expected schedule policy range: "
                "0, 1, 2, 3",
                True,
            )
            break
        told = _outside(f"scheduleParam.{key}", value, least, most)
        if told:
            yield told, True
            break
    if values["maxPreemptCount"] > values["maxBatchSize"]:
        yield (
            "The maxPreemptCount cannot be set greater than maxBatchsize, please set "
            "'maxPreemptCount' to be not greater than 'maxBatchsize' in config.json.",
            False,
        )
    if values["templateType"] not in ("Standard", "Mix"):
        kind = values["templateType"]
        yield f"The templateType must be Standard or Mix, but is {kind}", False
    if values["templateName"] != "Standard_LLM":
        yield f"The templateName must be Standard_LLM, but is {values['templateName']}", False


def model(section: Section, deploy: Section) -> Told:
    """What is wrong with a model and ``ModelDeployConfig``, its folder aside."""
    name = section["modelName"]
    if not _NAME.fullmatch(name) or not (name[0].isalnum() and name[-1].isalnum()):
        yield (
            "The value of modelName must meet the following rules: The string length is [1, 256] "
            "and consists of a match of the type [a-zA-Z0-9_.-]. The first and last characters "
            "must be characters or digits.",
            False,
        )
    if deploy["maxSeqLen"] == 0:
        yield "The value of modelParam.maxSeqLen can not be 0.", False
    if not 1 <= deploy["maxInputTokenLen"] <= _MOST_TOKENS:
        yield "The value of modelParam.maxInputTokenLen should be in [1, 4194304].", False
    if section["worldSize"] == 0:
        yield "The value of modelParam.worldSize can not be 0.", False
    if section["backendType"] not in ("atb", "ms", "torch"):
        yield "Backend type only supports atb, ms, torch.", False
    kinds = ("AssistantModel", "Standard", "StandardMock", "TargetModel")
    if section.get("modelInstanceType", "Standard") not in kinds:
        yield f"Model instance type is invalid. supported values: [{','.join(kinds)}]", False
    size = section["npuMemSize"]
    if size == 0 or size < -1:
        yield (
            f"The value of 'npuMemSize' in ModelDeployConfig in config.json is {size} it should be "
            "within (0, 4294967295] or -1please set 'npuMemSize' in config.json within "
            "(0, 4294967295] or -1",
            False,
        )
    for key in ("dp", "sp", "cp"):
        if isinstance(section.get(key), int) and section[key] <= 0:
            yield f"{key} cannot be smaller than 1.", False


def server(section: Section) -> Told:
    """What is wrong with ``ServerConfig``, certificates aside."""
    if section["inferMode"] not in ("standard", "dmi"):
        yield "The inferMode should be standard or dmi", True
    for key in ("ipAddress", "managementIpAddress"):
        told = _address(key, section.get(key, section["ipAddress"]), section)
        if told:
            yield told, True
    for key, least, most in _SERVER:
        told = _outside(f"serverConfig.{key}", section.get(key, least), least, most)
        if told:
            yield told, True


def backend(section: Section) -> Told:
    """What is wrong with ``BackendConfig``."""
    name = section["backendName"]
    if len(name) > 50:
        yield "The length of backendName exceeds 50.", False
    elif not re.fullmatch(r"[a-z]+(_[a-z]+)*", name):
        yield "The pattern of backendName is invalid.", False
    for key, least, most in _BACKEND:
        told = _outside(f"backendConfig.{key}", section.get(key, least), least, most)
        if told:
            yield told, True
    if any(len(set(chips)) != len(chips) for chips in section["npuDeviceIds"]):
        yield "npuDeviceID does not allow repetitive element", False
    pool = section.get("kvPoolConfig", {}).get("backend", "")
    if pool not in ("", "unifiedcache", "mooncake", "memcache"):
        yield (
            "Unknow kv pool backend. And only [`unifiedcache`, `mooncake`, `memcache`, ``] is "
            "available!",
            True,
        )


def together(document: Section) -> Told:
    """What is wrong with settings that are right, each for itself."""
    ours, back = document["ServerConfig"], document["BackendConfig"]
    deploy, times = back["ModelDeployConfig"], back["ScheduleConfig"]
    if ours["port"] == back.get("multiNodesInferPort"):
        yield "Endpoint port cannot be equal to multiNodesInferPort.", True
    if times["maxIterTimes"] == 0:
        yield "The value of ScheduleParam.maxIterTimes can not be 0.", True
    for one in deploy["ModelConfig"]:
        if times["maxPreemptCount"] and not one["cpuMemSize"]:
            yield (
                "The value of modelParam.cpuMemSize can not be 0 when maxPreemptCount is not 0.",
                True,
            )
    if times["maxPrefillTokens"] < deploy["maxInputTokenLen"] and times["templateType"] != "Mix":
        yield "The value of maxPrefillTokens should not be less than maxInputTokenLen.", True


def _outside(name: str, value: int, least: int, most: int) -> str | None:
    if value > most:
        return f"{name} [{value}] is out of bound [{most}]"
    if value < least:
        return f"{name} [{value}] is less than [{least}]"
    return None


def _address(key: str, value: str, section: Section) -> str | None:
    """The rule is the source's, the words are ours: ``check_utils.cpp`` was not seen."""
    try:
        found = ipaddress.ip_address(value)
    except ValueError:
        return f"{key} [{value}] is invalid, it should be an IP address"
    if found.is_unspecified and not section["allowAllZeroIpListening"]:
        return f"{key} [{value}] is invalid, allowAllZeroIpListening is false"
    return None
